"""Patches, spots and streaks: found where they are, in a frame of any size, either way up; twins differ by them."""

import re
import sys

import marks as training
import numpy as np
import pytest
import torch
from darkroom.cells import GRID
from darkroom.marks import FILE, KINDS, SIZE, inputs, marks, reduced, standard, weigh
from film import grainy
from safetensors.numpy import load_file
from simulate import simulate
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

SHAPE = grainy().shape[:2]
INSIDE = np.ones(SHAPE, bool)
DISC = np.hypot(*(np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] - np.array([150, 200])[:, None, None]))  # in row 7, column 6


def damaged(density: np.ndarray, kind: str) -> np.ndarray:
    if kind == "colour_patches":
        return density - np.clip((34 - DISC) / 20, 0, 1)[..., None] * (0.22, 0.12, 0.05)
    if kind == "residual_spots":
        return density + np.clip(6 - DISC, 0, 1)[..., None] * (0.2, 0.5, 1.4)
    streaked = density.copy()
    streaked[148:151, 60:430] *= (0.75, 0.6, 0.4)
    return streaked


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_found_where_it_is(kind):
    sound, found = marks(grainy(0), INSIDE), marks(damaged(grainy(0), kind), INSIDE)
    gain = found.max((1, 2)) - sound.max((1, 2))
    assert KINDS[gain.argmax()] == kind and gain.max() > 1
    row, column = np.unravel_index(found[KINDS.index(kind)].argmax(), (GRID, GRID))
    assert abs(row - 7) <= 1
    assert abs(column - 6) <= 1 or kind == "dye_removal"


def test_an_upright_frame_is_answered_upright():
    lying = damaged(grainy(0), "colour_patches")
    expected = np.rot90(marks(lying, INSIDE), -1, (1, 2))
    assert marks(np.rot90(lying, -1), np.rot90(INSIDE)) == pytest.approx(expected, abs=1e-4)


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


@pytest.fixture(scope="module")
def frames() -> list[tuple[np.ndarray, np.ndarray]]:
    return [reduced(grainy(seed), INSIDE) for seed in range(12)]


def test_twins_differ_where_the_map_says_and_nowhere_else(frames):
    twins = training.Twins(frames, 6)
    for i in range(6):
        planes, share = twins[i]
        assert planes.shape == (2, 6, *SIZE) and share.shape == (2, len(KINDS), 16, 24)
        assert not share[0].any() and share[1].max() > 0.4
        change = (planes[1] - planes[0])[:3]
        change = change - change.flatten(1).median(1).values[:, None, None]  # the frame is set against another median
        change = F.adaptive_max_pool2d(change.abs().amax(0)[None], (16, 24))[0]
        covered = share[1].amax(0)
        assert change[covered > 0.4].median() > 3 * change[covered == 0].median()


def test_the_same_twins_are_the_same_and_others_are_others(frames):
    twins = training.Twins(frames, 9)
    assert torch.equal(twins[3][0], twins[3][0]) and not torch.equal(twins[3][0], twins[4][0])


def test_training_finds_what_tells_twins_apart(frames, monkeypatch):
    monkeypatch.setattr(training, "STEPS", 40)
    monkeypatch.setattr(training, "PAIRS", 4)
    monkeypatch.setattr(training, "SMOOTH", 0.8)
    monkeypatch.setattr(training, "SEVERITIES", (3.0, 3.0))
    network = training.fit(frames)
    twins = torch.stack([training.Twins(frames, 1000)[i][0] for i in range(900, 930)]).flatten(0, 1)
    with torch.no_grad():
        found = network(twins).numpy()
    assert roc_auc_score(np.tile([0, 1], 30), found.max((1, 2, 3))) > 0.8
    net = {name: tensor.astype(np.float32) for name, tensor in network.tensors().items()}  # in half precision
    for one, expected in zip(twins.numpy()[:4], found, strict=False):
        assert weigh(one, net) == pytest.approx(expected, abs=0.02 * float(np.abs(found).max()))


def test_what_the_network_takes_is_made_as_torch_would(frames):
    planes = standard(*frames[0])
    red, green, blue = torch.from_numpy(planes)
    colours = torch.stack([blue - red, green - (red + blue) / 2, (red + green + blue) / 3])[None]
    around = F.avg_pool2d(F.pad(F.avg_pool2d(colours, 8), [2] * 4, mode="replicate"), 5, stride=1)
    around = F.interpolate(around, scale_factor=8, mode="bilinear", align_corners=False)
    expected = torch.cat([torch.tanh(colours / 0.5), torch.tanh((colours - around) / 0.2)], 1)[0]
    assert inputs(planes) == pytest.approx(expected.numpy(), abs=1e-4)


@pytest.mark.parametrize("shape", [(340, 512), (100, 333), (128, 192), (40, 50)])
def test_a_frame_is_reduced_to_the_means_of_its_parts(shape):
    density = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    expected = F.adaptive_avg_pool2d(torch.from_numpy(density).permute(2, 0, 1), SIZE)
    assert reduced(density, np.ones(shape, bool))[0] == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_frame_of_one_density_is_made_standard():
    assert not standard(np.ones((3, *SIZE), np.float32), np.ones(SIZE, bool)).any()


def test_the_command_trains_and_tells_how_well(tmp_path, monkeypatch, capsys):
    simulate(tmp_path / "drawn", count=40, seed=5)
    monkeypatch.setattr(training, "FILE", tmp_path / "new.safetensors")
    monkeypatch.setattr(training, "STEPS", 4)
    monkeypatch.setattr(training, "PAIRS", 2)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # it would stay so for the tests after this one
    monkeypatch.setattr(sys, "argv", ["marks.py", str(tmp_path / "drawn")])
    training.main()
    said = capsys.readouterr().out
    new, bundled = load_file(tmp_path / "new.safetensors"), load_file(FILE)
    assert {name: tensor.shape for name, tensor in new.items()} == {name: one.shape for name, one in bundled.items()}
    for kind in KINDS:
        assert re.search(rf"{kind} +(\d\.\d{{3}}|–)  \(\d+ frames with it, \d+ without damage\)", said)
