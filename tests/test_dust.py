"""Real dust from outlines: dust is dense, scratches are less dense, and neither is damage."""

import json
import subprocess
import sys

import numpy as np
import pytest

import simulate
from darkroom.files.decode import decode
from simulator import develop, dust, scenes
from simulator.emulsion import BASE

EVEN = np.full((384, 576, 3), BASE + 0.6, np.float32)
CLEAN = 1 / 3


@pytest.fixture
def folder(tmp_path):
    """One scan, 1000 pixels wide, all over squares of 20 pixels and long scratches, as such data sets are written."""
    rng = np.random.default_rng(0)

    def outline(x: float, y: float, width: float, height: float, kind: str) -> dict:
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        points = [{"figure_id": None, "x": float(cx), "y": float(cy)} for cx, cy in corners]
        return {"points": points, "label": {"id": 1, "name": kind}}

    traced = [outline(*rng.uniform(0, (980, 650)), 20, 20, "Dust") for _ in range(400)]
    traced += [outline(*rng.uniform(0, (700, 650)), 300, 4, "Scratch") for _ in range(20)]
    traced += [outline(990, 0, 10, 10, "Dirt")]
    (tmp_path / "scan_1.json").write_text(json.dumps({str(k): one for k, one in enumerate(traced)}))
    return tmp_path


def test_dust_is_dark_and_a_scratch_is_light_at_the_size_of_its_outline(folder):
    (scan,) = dust.outlines(folder)
    assert len(scan) == 421 and sum(scratch for _, scratch in scan) == 20
    assert scan[0][0].max() <= 1 and np.ptp(scan[0][0], axis=0) == pytest.approx((0.02, 0.02), abs=1e-6)
    rngs = [np.random.default_rng(seed) for seed in range(40)]
    change = np.stack([dust.dusty(EVEN, BASE, (scan,), rng) - EVEN for rng in rngs])[..., 0]
    assert change.max() > 0.4 and -0.16 < change.min() < -0.03
    untouched = np.mean([not one.any() for one in change])
    assert untouched == pytest.approx(CLEAN, abs=0.2)
    covered = (np.abs(change) > 0.01).mean(axis=(1, 2))
    assert 0 < np.median(covered[covered > 0]) < 0.25


def test_dust_leaves_the_base_whole_and_a_hole_a_hole(folder):
    film = np.broadcast_to(BASE, EVEN.shape).copy()
    film[100:200, 100:200] = 0
    for seed in range(10):
        marked = dust.dusty(film, BASE, dust.outlines(folder), np.random.default_rng(seed))
        assert (marked >= np.minimum(film, 0.9 * BASE) - 1e-6).all()


def test_twins_carry_the_same_dust(folder):
    scene = scenes.draw(np.random.default_rng(3))
    scans = dust.outlines(folder)
    seed = next(s for s in range(20) if _worn(scene, s, scans) != _worn(scene, s, ()))
    (damaged, where), (clean, _) = (
        develop.develop(scene, wanted, np.random.default_rng(seed), scans) for wanted in ({"holes": 2.0}, {})
    )
    apart = np.log2((decode(damaged, "a.jpg")[0] + 1.0) / (decode(clean, "b.jpg")[0] + 1.0)).mean(axis=-1)
    assert where.any() and np.median(np.abs(apart - np.median(apart))) < 0.05


def _worn(scene: np.ndarray, seed: int, scans: tuple) -> bytes:
    return develop.develop(scene, {}, np.random.default_rng(seed), scans)[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no JSON files in this folder"),
        ("[1, 2]", "scan_1.json: holds no outlines"),
        ("{", "scan_1.json: holds no outlines"),
        ("{}", "scan_1.json: holds no outlines"),
    ],
)
def test_a_folder_without_outlines_is_one_sentence(tmp_path, content, said):
    (tmp_path / "dust").mkdir()
    if content is not None:
        (tmp_path / "dust" / "scan_1.json").write_text(content)
    command = [sys.executable, simulate.__file__, str(tmp_path / "out"), "--dust", str(tmp_path / "dust")]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 2 and said in answer.stderr and answer.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
