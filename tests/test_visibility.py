"""Damage must be visible: it is more so on an even area than in texture, and faint damage only if it is large."""

import io

import numpy as np
import pytest
from PIL import Image

from film import grainy
from simulator.capture import photograph
from simulator.visibility import placed_visibly, visibility, visible_kinds

SHAPE = (384, 576)
DISTANCE = np.hypot(*(np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] - np.array([180, 250])[:, None, None]))
EVEN = grainy(0, *SHAPE).astype(np.float32)
BLOCKS = np.random.default_rng(0).normal(0, 0.4, (96, 144, 1)).astype(np.float32)
ROUGH = EVEN + np.kron(BLOCKS, np.ones((4, 4, 1), np.float32))


def seen(film: np.ndarray, radius: float, change: tuple[float, float, float]) -> bool:
    """Whether a disc of another density is visible, in a photograph of the film compared with one without it."""
    disc = np.clip(radius - DISTANCE + 0.5, 0, 1)[..., None]
    files = [photograph(density, np.random.default_rng(4)) for density in (film, film + disc * np.array(change, "f4"))]
    here, elsewhere = visible_kinds(*files, np.concatenate([disc, np.zeros_like(disc)], axis=-1))
    assert not elsewhere
    return bool(here)


def test_a_brown_spot_and_a_small_hole_are_plain():
    assert seen(EVEN, 6, (0.3, 0.7, 2.0))
    assert seen(EVEN, 3, (-1, -1, -1))


def test_a_faint_thing_must_be_large():
    assert seen(EVEN, 60, (-0.12, -0.08, -0.05))
    assert not seen(EVEN, 4, (-0.12, -0.08, -0.05))


def test_what_is_plain_on_an_even_ground_is_hidden_by_texture():
    assert not seen(ROUGH, 60, (-0.12, -0.08, -0.05))
    disc = (DISTANCE < 60)[..., None] * np.float32(-0.12)
    inside = DISTANCE < 50
    on_even, on_rough = (visibility(film, film + disc)[inside].mean() for film in (EVEN, ROUGH))
    assert on_even > 1.5 * on_rough


def test_damage_is_put_where_it_can_be_seen_or_not_at_all():
    inside = np.ones(SHAPE, bool)
    inside[:, :240] = False

    def faint(density, base, severity, rng):
        disc = (DISTANCE < 60).astype(np.float32)
        return density - disc[..., None] * np.float32(0.02 * severity), disc

    changed, where = placed_visibly(faint, EVEN, EVEN[0, 0], 20, np.random.default_rng(0), inside)
    assert (changed != EVEN).any() and where[:, 240:].any() and not where[:, :240].any()
    changed, where = placed_visibly(faint, ROUGH, ROUGH[0, 0], 1, np.random.default_rng(0))
    assert (changed == ROUGH).all() and where.shape == SHAPE and not where.any()


def test_what_has_not_changed_is_not_seen():
    assert not visibility(EVEN, EVEN).any()
    file = photograph(EVEN, np.random.default_rng(1))
    assert not visible_kinds(file, file, np.ones((*SHAPE, 2), np.float32)).any()


@pytest.mark.parametrize("scale", [0.8, 1.6])
def test_a_file_larger_or_smaller_than_the_map_is_looked_at_in_its_size(scale):
    """A camera writes files of any size; what is visible does not depend on it."""
    size = int(SHAPE[1] * scale), int(SHAPE[0] * scale)
    files = []
    for density in (EVEN, EVEN + (DISTANCE < 6)[..., None] * np.float32(1.0)):
        file = io.BytesIO()
        picture = Image.open(io.BytesIO(photograph(density, np.random.default_rng(4))))
        picture.resize(size).save(file, "JPEG", quality=95)
        files.append(file.getvalue())
    assert visible_kinds(*files, (DISTANCE < 8)[..., None]).tolist() == [True]


def test_what_shifts_a_whole_region_is_seen_where_it_ends():
    depth = np.array([-0.1, -0.07, -0.04], np.float32)
    fading = np.exp(-((DISTANCE / 150) ** 2) / 2)[..., None].astype(np.float32)
    ending = (DISTANCE < 150)[..., None].astype(np.float32)
    before, faded, ended = (
        photograph(EVEN + there * depth, np.random.default_rng(4)) for there in (0 * fading, fading, ending)
    )
    assert visible_kinds(before, ended, ending) and not visible_kinds(before, faded, fading)
