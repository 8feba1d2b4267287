"""The simulator: its film behaves as published, damage lies where its map says, and the bytes are reproducible."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import simulate
from darkroom.files.decode import decode
from darkroom.taxonomy import DEFECTS
from simulator import capture, develop, scenes
from simulator.emulsion import BASE, LAYER, RANGE, FilmStock, add_grain, expose, expose_again

STRAIGHT = FilmStock(BASE, contrast=np.ones(3), toe=0.8, leak=np.eye(3, dtype=np.float32), grain=0.02, grain_size=0.7)
GREY = np.full((4, 4, 3), 0.4614, np.float32)  # sRGB code of 18 % grey


def above_base(stops: float) -> np.ndarray:
    return (expose(GREY, STRAIGHT, stops, np.zeros(3)) - BASE)[0, 0]


@pytest.mark.parametrize(
    ("stops", "published"),
    [(0, (0.66, 0.68, 0.76)), (-2, (0.35, 0.39, 0.42)), (-3, (0.19, 0.24, 0.23)), (-4, (0.08, 0.12, 0.09))],
)
def test_mid_grey_has_the_published_density_above_base(stops, published):
    assert above_base(stops) == pytest.approx(published, abs=0.06)


def test_density_rises_with_exposure_and_ends_below_the_films_range():
    curve = np.array([above_base(stops) for stops in range(-8, 12)])
    assert (np.diff(curve, axis=0) >= 0).all()
    assert (curve[-1] <= (1.8, 1.7, 1.9)).all() and (curve[-1] > (1.7, 1.6, 1.8)).all()


def test_grain_grows_with_the_root_of_density():
    thin, thick = np.full((2, 120, 120, 3), BASE) + np.array([0.19, 0.94])[:, None, None, None]
    rng = np.random.default_rng(0)
    ratio = (add_grain(thick, STRAIGHT, rng) - thick).std() / (add_grain(thin, STRAIGHT, rng) - thin).std()
    assert ratio == pytest.approx(2.0, rel=0.1)  # √(1.00 / 0.25), with the fog's own 0.06


def test_more_light_is_more_density_in_the_shadows_and_next_to_none_where_it_is_dense():
    greys = np.stack([expose(GREY, STRAIGHT, stops, np.zeros(3))[0, :3] for stops in (-3, 0, 3)])  # (3, 3, 3)
    assert np.allclose(expose_again(greys, BASE, np.zeros_like(greys)), greys, atol=1e-4)
    gained = (expose_again(greys, BASE, np.ones_like(greys)) - greys)[:, 0]
    assert gained[1] == pytest.approx(0.15 * LAYER, abs=0.03)  # as much light again as of mid-grey: a stop
    assert (gained[0] > 2 * gained[1]).all() and (gained[2] < 0.03).all()
    flooded = expose_again(greys, BASE, np.full_like(greys, 1e6)) - BASE
    assert (flooded <= RANGE * 1.01).all() and (flooded > 0.9 * RANGE).all()


def test_some_frames_are_very_dense_and_some_fairly_thin_and_these_span_what_can_be_read():
    scene = scenes.draw(np.random.default_rng(8))
    rngs = [np.random.default_rng(seed) for seed in range(200)]
    stops = np.array([develop._exposure(scene, STRAIGHT, np.zeros(3), 1.0, rng) for rng in rngs])
    thin = np.sort(stops)[:10]
    assert 2 < (stops > 2.5).sum() < 25 and 2 < (stops < -2.2).sum() < 25
    assert min(develop._span(expose(scene, STRAIGHT, each, np.zeros(3))) for each in thin) > develop.THIN


def test_a_bright_sky_is_dense_and_even_and_no_blank_area():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        scene = scenes.draw(rng)
        dense = expose(scenes.bright_sky(scene, rng), STRAIGHT, 0, np.zeros(3))[: scene.shape[0] // 8] - BASE
        assert dense.mean() > 0.8 and dense.std(axis=(0, 1)).max() < 0.12
        assert np.ptp(dense.mean(axis=(0, 1)) + BASE) > 0.3  # a blank area has lost the mask


@pytest.mark.parametrize("kind", ["holes", "residual_spots", "dye_removal", "light_leak"])
def test_twins_differ_by_their_damage_and_nothing_else(kind):
    scene = scenes.draw(np.random.default_rng(3))
    files, coverage = zip(
        *(develop.develop(scene, wanted, np.random.default_rng(11)) for wanted in ({kind: 2.0}, {})), strict=True
    )
    assert coverage[0].any() and not coverage[1].any()
    (damaged, *_), (clean, *_) = (decode(file, "twin.jpg") for file in files)
    apart = np.log2((damaged + 1.0) / (clean + 1.0)).mean(axis=-1)
    apart = np.abs(apart - np.median(apart))  # a hole's light changes the exposure, as in a camera
    assert np.median(apart) < 0.05 and apart.max() > 0.3


def test_around_a_frame_is_light_or_a_holder_black_or_grey_without_a_dye():
    seen = [capture._around((60, 90), np.random.default_rng(seed)) * capture.SEEN for seed in range(40)]
    levels = np.array([one.mean() for one in seen])
    assert (levels == capture.OPEN).any() and (levels > 3.4).any()
    assert ((levels > capture.PALE) & (levels < 2.5)).any()
    assert max(np.ptp(one.mean(axis=(0, 1))) for one in seen) < 0.3


def test_cells_hold_the_largest_coverage_of_their_part():
    coverage = np.zeros((160, 320, 7), np.float32)
    coverage[155, 3, 2] = 0.7
    grid = np.array(simulate.cells(coverage))
    assert grid.shape == (7, 24, 24) and grid[2, 23, 0] == 0.7 and grid.sum() == pytest.approx(0.7)


def run(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, simulate.__file__, *map(str, arguments)], capture_output=True, text=True)


def test_the_same_command_writes_the_same_bytes(tmp_path):
    for name in "ab":
        assert run(tmp_path / name, "--count", 12, "--seed", 7).returncode == 0
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 15
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    rows = [json.loads(line) for line in (tmp_path / "a/train/metadata.jsonl").read_text().splitlines()]
    assert len(rows) == 10
    for row in rows:
        assert row["label"] == int(not any(row[kind] for kind in DEFECTS))
        assert (row["severity"] > 0) == (row["label"] == 0)
        assert [max(map(max, grid)) > 0 for grid in row["defect_cells"]] == [bool(row[kind]) for kind in DEFECTS]


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "kept").mkdir()
    answer = run(tmp_path / "kept")
    assert answer.returncode == 2 and "is there already" in answer.stderr and "Traceback" not in answer.stderr


def test_a_folder_without_photographs_is_a_clear_error(tmp_path):
    (tmp_path / "empty").mkdir()
    answer = run(tmp_path / "out", "--photos", tmp_path / "empty")
    assert answer.returncode == 2 and "no JPEG or PNG" in answer.stderr and "Traceback" not in answer.stderr
