"""The holder around the film: found where it is as pale as a highlight, and never taken for damage."""

import numpy as np
import pytest
from PIL import Image

import composite
from darkroom.film.film import Film, network_input
from darkroom.film.holder import holder
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load
from film import drawn

SIDES = ("tblr", "tb", "tl", "t", "r")


def coded(seed: int) -> np.ndarray:
    return 10 ** (-drawn(seed) / composite.GAMMA)


def scanned(rgb: np.ndarray, name: str = "frame.jpg"):
    return open_scan(composite.jpeg(rgb), name)


def covered(shape: tuple[int, int], sides: str) -> np.ndarray:
    """Where `composite.in_holder` puts the holder of a frame of `shape` (h, w), with it."""
    wide = round(0.07 * shape[1])
    widths = [[wide * (side in sides) for side in pair] for pair in ("tb", "lr")]
    return np.pad(np.zeros(shape, bool), widths, constant_values=True)


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("density", [3.5, 2.2, 1.6])
def test_a_holder_is_found_along_the_sides_where_it_lies(sides, density):
    rgb = coded(1)
    where = covered(rgb.shape[:2], sides)
    found = holder(-composite.GAMMA * np.log10(composite.in_holder(rgb, density, sides, seed=2)))
    assert found[where].mean() > 0.97
    assert found[~where].mean() < 0.05


def test_a_window_that_lies_askew_is_found():
    rgb = composite.in_holder(coded(1), 1.8, "tblr", seed=2)
    picture = Image.fromarray(np.rint(rgb * 255).astype(np.uint8))
    level = tuple(int(value) for value in np.rint(rgb[2, 2] * 255))
    turned = np.asarray(picture.rotate(2, Image.Resampling.BICUBIC, fillcolor=level)) / 255
    where = np.asarray(Image.fromarray(covered(coded(1).shape[:2], "tblr")).rotate(2, fillcolor=1))
    found = holder(-composite.GAMMA * np.log10(turned.clip(1 / 255)))
    assert found[where].mean() > 0.9 and found[~where].mean() < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_opaque_film_at_a_side_is_damage_and_no_holder(seed):
    density, where = composite.blank_area(drawn(seed), np.array([0.25, 0.64, 0.97]), 2, np.random.default_rng(seed))
    assert where.mean() > 0.1
    assert not holder(density).any()


def test_a_bright_sky_over_a_straight_roof_is_film():
    density = drawn(0).copy()
    density[:80] = np.array([1.3, 1.9, 2.4]) + np.random.default_rng(0).normal(0, 0.02, (80, density.shape[1], 3))
    assert not holder(density).any()


def test_an_even_strip_of_the_scene_is_film():
    """A beach at the bottom, slightly denser in red: in a real frame this was taken for a holder."""
    density = drawn(1).copy()
    middle = np.median(density[85:-85, 128:-128], axis=(0, 1))
    density[-20:] = (
        middle + np.array([0.15, 0.15, 0.0]) + np.random.default_rng(0).normal(0, 0.02, (20, density.shape[1], 3))
    )
    assert not holder(density).any()


def test_bare_light_and_the_film_of_the_next_frame_are_no_holder():
    density = drawn(0).copy()
    density[:, :30], density[:, -30:] = 0.0, np.array([0.25, 0.64, 0.97])
    assert not holder(density).any()


def test_a_picture_too_small_to_tell_has_none():
    assert not holder(np.full((20, 400, 3), 2.0)).any()


def test_the_network_sees_a_grey_holder_as_a_black_one():
    rgb = coded(1)
    grey, black = (network_input(Film(scanned(composite.in_holder(rgb, d, "tblr", seed=2))), 128) for d in (1.6, 3.6))
    assert (grey[:, :4] == 255).all() and (grey[:, :, -4:] == 255).all()
    apart = np.abs(grey.astype(int) - black)
    assert np.median(apart) <= 2 and (apart > 30).mean() < 0.05  # but for the soft edge


def test_a_picture_that_is_grey_all_over_is_film():
    assert Film(scanned(np.full((200, 300, 3), 0.2))).inside.all()


def test_a_readable_frame_in_a_grey_holder_is_not_called_damaged():
    rgb = coded(0)
    held = [composite.in_holder(rgb, 1.6, sides, seed=2) for sides in SIDES]
    verdicts = load().judge_batch([scanned(picture) for picture in (rgb, *held)])
    assert "damaged" not in {verdict.verdict for verdict in verdicts}
