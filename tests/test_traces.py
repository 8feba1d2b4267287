"""Damage cell by cell: what is measured is where it is, and the network in NumPy is the one that was trained."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import traces as training
from darkroom.cells import GRID, measures
from darkroom.film import Film
from darkroom.resnet import DEFECTS
from darkroom.scan import open_scan
from darkroom.traces import FILE, KINDS, around, traces, weigh
from film import DISC, INSIDE, SHAPE, grainy
from safetensors.numpy import load_file
from simulate import simulate
from torch.nn import functional as F
from traces import Frames, Network, fit, read


def changed(density: np.ndarray) -> np.ndarray:
    """(16, 16) bool: the cells in which some measurement moved by more than one unit from the sound film's."""
    return (np.abs(measures(density, INSIDE)[0] - measures(grainy(), INSIDE)[0]) > 1).any(axis=0)


@pytest.mark.parametrize("change", [(0.2, 0.4, 1.0), (-0.3, -0.5, -0.6), (-0.05, -0.1, -0.15)])
def test_a_spot_is_measured_in_its_cell(change):
    density = grainy() + (DISC < 4)[..., None] * np.array(change)
    assert changed(density)[7, 6]
    assert not changed(density)[12:].any()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_streak_is_measured_all_along_it(axis):
    density = grainy()
    np.moveaxis(density, axis, 0)[160:162] -= (0.02, 0.05, 0.12)
    hit = changed(density) if axis == 0 else changed(density).T
    line = 160 * GRID // SHAPE[axis]
    assert hit[line, 1:-1].mean() > 0.9 and hit[line + 4 :].mean() < 0.05  # near equals may change places


def test_what_lies_at_the_films_edge_is_not_measured():
    inside = INSIDE.copy()
    inside[:, :60] = False  # a holder
    density = np.where(inside[..., None], grainy(), 3.5)
    local, frame = measures(density, inside)
    sound, _ = measures(grainy(), inside)
    assert np.abs(local - sound)[:, :, 4:].max() < 0.5
    assert np.isfinite(local).all() and np.isfinite(frame).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (63, 20), (64, 64)])
def test_a_picture_of_any_size_and_of_one_density_gives_finite_numbers(shape):
    assert np.isfinite(traces(np.full((*shape, 3), 1.0), np.ones(shape, bool))).all()


def test_a_frame_that_is_all_border_gives_finite_numbers():
    assert np.isfinite(traces(grainy(), ~INSIDE)).all()


def test_what_is_around_a_cell_is_the_mean_that_the_network_was_trained_with():
    values = np.random.default_rng(0).random((3, GRID, GRID))
    pooled = F.avg_pool2d(torch.from_numpy(values), 3, stride=1, padding=1, count_include_pad=False)
    assert around(values) == pytest.approx(pooled.numpy())


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Twenty twins of noise; every second frame has a high measurement where its map has a hole."""
    rng = np.random.default_rng(0)
    local = rng.normal(0, 1, (40, 30, GRID, GRID)).astype(np.float16)
    damage = np.zeros((40, 6, GRID, GRID), np.float32)
    for k in range(0, 40, 2):
        y, x = rng.integers(GRID, size=2)
        damage[k, DEFECTS.index("holes"), y, x], local[k, 7, y, x] = 1, 6
    return Frames(local, rng.normal(0, 1, (40, 20)).astype(np.float32), damage)


def test_the_fitted_network_is_the_same_in_numpy(frames):
    torch.manual_seed(0)
    network = Network(frames).eval()
    with torch.no_grad():
        expected = network(*network.standard(frames)).numpy()
    for one, local, frame in zip(expected, frames.local, frames.frame, strict=True):
        assert weigh(local, frame, network.tensors()) == pytest.approx(one, abs=0.01)  # one is in half precision


def test_fitting_finds_what_tells_twins_apart(frames, monkeypatch):
    monkeypatch.setattr(training, "EPOCHS", 60)
    monkeypatch.setattr(training, "PAIRS", 10)
    net = fit(frames)
    peaks = [weigh(*one, net)[KINDS.index("holes")].max() for one in zip(frames.local, frames.frame, strict=True)]
    assert min(peaks[::2]) > max(peaks[1::2])


def test_the_kinds_are_the_networks_but_patches():
    assert KINDS == tuple(kind for kind in DEFECTS if kind != "colour_patches")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return simulate(tmp_path_factory.mktemp("simulated") / "drawn", count=40, seed=3)


def test_a_simulated_split_is_measured_with_its_twins_side_by_side(drawn):
    split = drawn / "train"
    found, rows = read(split), [json.loads(line) for line in (split / "metadata.jsonl").read_text().splitlines()]
    expected = sorted(rows, key=lambda row: row["file_name"])
    assert np.array_equal(found.cells, np.array([row["defect_cells"] for row in expected], np.float32))
    film = Film(open_scan(split / expected[1]["file_name"]))
    local, frame = measures(film.density, film.inside)
    assert found.local[1] == pytest.approx(local.astype(np.float16)) and found.frame[1] == pytest.approx(frame)
    assert expected[0]["pair"] == expected[1]["pair"]
    with pytest.raises(FileNotFoundError, match="train/simulate.py"):
        read(drawn / "nothing")


def test_the_command_fits_and_tells_how_well(drawn, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "FILE", tmp_path / "new.safetensors")
    monkeypatch.setattr(training, "EPOCHS", 1)
    monkeypatch.setattr(sys, "argv", ["traces.py", str(drawn)])
    training.main()
    said = capsys.readouterr().out
    new, bundled = load_file(tmp_path / "new.safetensors"), load_file(FILE)
    assert {name: tensor.shape for name, tensor in new.items()} == {name: one.shape for name, one in bundled.items()}
    assert re.search(r"holes +(\d\.\d{3}|–)  \(\d+ frames with it, \d+ without damage\)", said)
