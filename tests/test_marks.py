"""Damage by its shape: found where it is, in a frame of any size, either way up."""

import numpy as np
import pytest
import torch
from darkroom.cells import GRID
from darkroom.marks import ANSWERS, FILE, KINDS, SIZE, found_in, marks, reduced, standard
from darkroom.scan import open_scan
from darkroom.verdict import load
from film import DISC, INSIDE, damaged, drawn, eight_bit, grainy, png
from safetensors.numpy import load_file
from torch.nn import functional as F


@pytest.mark.parametrize("kind", ANSWERS)
def test_damage_is_found_where_it_is(kind):
    frames = [drawn(seed) for seed in range(5)]
    gains = np.stack([marks(damaged(frame, kind), INSIDE) - marks(frame, INSIDE) for frame in frames])
    named = KINDS.index("residual_spots" if kind == "air_bells" else kind)
    assert np.median(gains[:, named].max((1, 2))) > 3
    if kind != "air_bells":  # marks alone often take a clear bubble for a hole, see below
        assert np.mean(gains.max((2, 3)).argmax(1) == named) > 0.5
    rows, columns = np.unravel_index(gains[:, named].reshape(len(frames), -1).argmax(1), (GRID, GRID))
    near = (abs(rows - 7) <= 1) & (abs(columns - 6) <= 1)
    if kind in ("blank_area", "dye_removal"):  # wide: anywhere on it
        near = (abs(rows - 7) <= 3) & (columns >= 2) & (columns <= 13)
    assert near.mean() >= 0.8


def test_the_verdict_names_a_clear_bubble_a_spot_and_no_hole():
    negatives = [10 ** (-damaged(drawn(seed), "air_bells") / 2.2) for seed in range(10)]
    verdicts = load().judge_batch([open_scan(png(eight_bit(one)), "bubble.png") for one in negatives])
    named = [max(verdict.defects, key=verdict.defects.get) for verdict in verdicts]
    assert named.count("residual_spots") > 5 > 2 * named.count("holes")


@pytest.mark.parametrize("radius", [11, 20, 34])
def test_a_round_hole_is_found_however_large_a_punch_made_it(radius):
    frames = [drawn(seed) for seed in range(8)]
    disc = np.clip(radius - DISC, 0, 1)[..., None]
    sound, punched = (
        np.array([marks(density, INSIDE)[KINDS.index("holes")].max() for density in films])
        for films in (frames, [density * (1 - disc) + 0.03 * disc for density in frames])
    )
    assert sound.max() < 0 and np.median(punched) > 2


def test_an_upright_frame_is_answered_upright():
    lying = damaged(grainy(0), "colour_patches")
    expected = np.rot90(marks(lying, INSIDE), -1, (1, 2))
    assert marks(np.rot90(lying, -1), np.rot90(INSIDE)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("view", [np.s_[..., ::-1, ::-1], np.s_[..., ::-1, :], np.s_[..., ::-1]])
def test_a_frame_turned_or_mirrored_is_answered_so(view):
    lying = reduced(damaged(grainy(0), "residual_spots"), INSIDE)
    net = load_file(FILE)
    assert found_in(*(part[view] for part in lying), net)[view] == pytest.approx(found_in(*lying, net), abs=0.02)


def test_the_light_of_the_scan_and_a_holder_change_nothing():
    density, inside = grainy(1), INSIDE.copy()
    expected = marks(density, INSIDE)
    assert marks(density + (0.3, 0.1, -0.2), INSIDE) == pytest.approx(expected, abs=1e-3)
    inside[:, 400:] = False
    held = marks(np.where(inside[..., None], density, 3.5), inside)
    assert held[..., :9] == pytest.approx(expected[..., :9], abs=1.5)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (63, 20), (64, 64)])
def test_a_picture_of_any_size_and_of_one_density_gives_finite_numbers(shape):
    found = marks(np.full((*shape, 3), 1.0), np.ones(shape, bool))
    assert found.shape == (len(KINDS), GRID, GRID) and np.isfinite(found).all()


def test_a_frame_that_is_all_border_gives_finite_numbers():
    assert np.isfinite(marks(grainy(0), ~INSIDE)).all()


@pytest.mark.parametrize("shape", [(340, 512), (100, 333), (128, 192), (40, 50)])
def test_a_frame_is_reduced_to_the_means_of_its_parts(shape):
    density = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    expected = F.adaptive_avg_pool2d(torch.from_numpy(density).permute(2, 0, 1), SIZE)
    assert reduced(density, np.ones(shape, bool))[0] == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_frame_of_one_density_is_made_standard():
    assert not standard(np.ones((3, *SIZE), np.float32), np.ones(SIZE, bool)).any()
