"""Damage of the simulator: it lies where its map says, and is damage only where a person would see it."""

import json

import numpy as np
import pytest

import simulate
from darkroom.taxonomy import DEFECTS
from simulator import capture, damage, develop, scenes
from simulator.emulsion import BASE, expose
from simulator.holes import punched
from test_simulate import STRAIGHT


@pytest.fixture(scope="module")
def negative() -> np.ndarray:
    scene = scenes.draw(np.random.default_rng(5))
    return expose(scene, STRAIGHT, 0, np.zeros(3))


@pytest.mark.parametrize("kind", list(damage.DAMAGE))
@pytest.mark.parametrize("seed", range(4))
def test_damage_changes_the_film_inside_its_map_and_spares_the_rest(kind, seed, negative):
    tries = (damage.DAMAGE[kind](negative, BASE, 2.0, np.random.default_rng((seed, k))) for k in range(9))
    damaged, where = next(made for made in tries if made[1].any())
    change = np.abs(damaged - negative).max(axis=-1)
    assert where.shape == negative.shape[:2] and where.min() >= 0 and where.max() <= 1
    inside, outside = change[where > 0.5], change[where < 0.02]
    assert inside.mean() > 4 * outside.mean()
    assert np.median(outside) < 0.02


@pytest.mark.parametrize("kind", list(damage.DAMAGE))
def test_severer_damage_covers_or_changes_more(kind, negative):
    def harm(severity: float) -> float:
        tries = [damage.DAMAGE[kind](negative, BASE, severity, np.random.default_rng(s))[0] for s in range(6)]
        return float(np.mean([np.abs(damaged - negative).mean() for damaged in tries]))

    assert harm(3.0) > 1.2 * harm(0.7)


@pytest.mark.parametrize("kind", ["colour_patches", "residual_spots", "dye_removal"])
def test_damage_on_a_small_frame_is_that_of_a_large_one_made_smaller(kind):
    def harm(height: int, width: int) -> float:
        even = np.full((height, width, 3), BASE + 0.8, np.float32)
        tries = [damage.DAMAGE[kind](even, BASE, 2.0, np.random.default_rng(s))[0] for s in range(60)]
        return float(np.mean([np.abs(damaged - even).mean() for damaged in tries]))

    assert harm(128, 192) == pytest.approx(harm(384, 576), rel=0.08)


def test_a_blank_area_ends_within_a_pixel_or_fades_over_many(negative):
    maps = [damage.blank_area(negative, BASE, 2.0, np.random.default_rng(seed))[1] for seed in range(30)]
    steepest = [max(np.abs(np.diff(where, axis=axis)).max() for axis in (0, 1)) for where in maps]
    assert max(steepest) > 0.8 and min(steepest) < 0.2


def test_a_hole_is_bare_light_and_a_brown_spot_is_bluest_in_density(negative):
    for seed in range(8):
        holed, where = damage.holes(negative, BASE, 3.0, np.random.default_rng(seed))
        bare = np.median(holed[where > 0.99], axis=0)
        assert (bare < BASE + 0.03 - (0, 0.1, 0.2)).all()  # clearer than film in green and blue
        spotted, where = damage.residual_spots(negative, BASE, 3.0, np.random.default_rng(seed))
        gain = np.median((spotted - negative)[where > 0.5], axis=0)
        if gain[2] > 0:  # not air bells
            assert gain[2] > gain[1] > gain[0] > 0


def test_a_punched_hole_is_a_disc_within_the_frame():
    for shape in ((384, 576), (576, 384)):
        for seed in range(40):
            where = punched(shape, 3.0, np.random.default_rng(seed)) > 0.5
            assert not any(edge.any() for edge in (where[0], where[-1], where[:, 0], where[:, -1]))
            rows, columns = (np.ptp(np.flatnonzero(where.any(axis))) + 1 for axis in (1, 0))
            assert where.sum() == pytest.approx(np.pi / 4 * rows * columns, rel=0.15)


def test_wear_leaves_a_hole_a_hole(negative):
    torn, where = damage.holes(negative, BASE, 2.0, np.random.default_rng(1))
    bare = np.median(torn[where > 0.99])
    for seed in range(20):
        worn = capture.wear(torn, BASE, np.random.default_rng(seed))
        assert np.median(worn[where > 0.99]) == pytest.approx(bare, abs=0.02)
        assert (worn[where == 0] >= np.minimum(torn, BASE * 0.9)[where == 0] - 1e-6).all()


@pytest.mark.parametrize(("severity", "most"), [(0.7, 0.15), (2.0, 0.075), (3.0, 0.04)])
def test_underexposure_leaves_less_than_the_stated_span(severity, most, monkeypatch):
    grained, spans = develop.add_grain, []

    def noted(density, roll, rng):
        spans.append(float(np.ptp(np.percentile(density.reshape(-1, 3), (5, 95), axis=0), axis=0).mean()))
        return grained(density, roll, rng)

    monkeypatch.setattr(develop, "add_grain", noted)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        _, coverage = develop.develop(scenes.draw(rng), {"noise": severity}, rng)
        assert coverage[..., DEFECTS.index("noise")].max() == 1
    # In D, of the picture before its grain. The simulator measures every eighth pixel.
    assert len(spans) == 4 and max(spans) < 1.1 * most and min(spans) > 0


def test_an_underexposed_frame_keeps_the_contrast_of_its_sound_twin(monkeypatch):
    seen = []

    def exposed(scene, roll, stops, cast, contrast=1.0):
        seen.append(contrast)
        return expose(scene, roll, stops, cast, contrast)

    monkeypatch.setattr(develop, "expose", exposed)
    scene = scenes.draw(np.random.default_rng(3))
    develop.develop(scene, {}, np.random.default_rng(11))
    clean = len(seen)
    develop.develop(scene, {"noise": 2.0}, np.random.default_rng(11))
    assert clean == 1 and len(seen) > 3 and len(set(seen)) == 1 and seen[0] != 1


def test_damage_that_nobody_would_see_is_no_damage(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "visible_kinds", lambda clean, damaged, coverage: np.zeros(coverage.shape[-1], bool))
    monkeypatch.setattr(simulate, "plan", lambda rng: {"colour_patches": 3.0, "residual_spots": 3.0})
    out = simulate.simulate(tmp_path / "hidden", count=5, seed=7)
    lines = [line for file in out.rglob("metadata.jsonl") for line in file.read_text().splitlines()]
    rows = [json.loads(line) for line in lines if line]
    assert len(rows) == 5 and all(row["label"] == 1 and row["severity"] == 0 for row in rows)
    assert not any(row[kind] for row in rows for kind in DEFECTS) and not np.any([r["defect_cells"] for r in rows])


def test_damage_that_is_not_plain_is_put_on_again_and_worse(tmp_path, monkeypatch):
    from_severity = 2.0
    monkeypatch.setattr(simulate, "plan", lambda rng: {"dye_removal": 1.0})
    tried = []
    make = simulate.develop

    def noted(scene, wanted, rng, dust):
        tried.extend(wanted.values())
        return make(scene, wanted, rng, dust)

    monkeypatch.setattr(simulate, "develop", noted)
    monkeypatch.setattr(
        simulate, "visible_kinds", lambda clean, ruined, where: np.full(where.shape[-1], tried[-1] >= from_severity)
    )
    pair = [simulate.Job(n, 0, "train", "drawn/000000", "drawn/000000") for n in (0, 1)]
    (tmp_path / "train").mkdir()
    ruined, clean = simulate._make(pair, tmp_path, simulate.DRAWN_ALONE, 3)
    assert tried == [1.0, 2.0]
    assert (ruined.label, ruined.severity, ruined.dye_removal) == (0, 2.0, 1)
    assert (clean.label, clean.severity, clean.dye_removal) == (1, 0.0, 0)


def test_a_frame_that_is_blank_all_over_is_damage_though_nothing_is_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(damage, "EVERYWHERE", 1.0)
    monkeypatch.setattr(simulate, "plan", lambda rng: {"blank_area": 1.0})
    pair = [simulate.Job(n, 0, "train", "drawn/000000", "drawn/000000") for n in (0, 1)]
    (tmp_path / "train").mkdir()
    ruined, _ = simulate._make(pair, tmp_path, simulate.DRAWN_ALONE, 3)
    assert (ruined.label, ruined.blank_area) == (0, 1)
    assert np.mean(np.array(ruined.defect_cells)[DEFECTS.index("blank_area")] > 0.5) > 0.8


def test_a_hole_and_a_thin_frame_are_damage_whatever_the_positive_shows(tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "visible_kinds", lambda clean, damaged, coverage: np.zeros(coverage.shape[-1], bool))
    monkeypatch.setattr(simulate, "plan", lambda rng: {str(rng.choice(["noise", "holes"])): 2.0})
    out = simulate.simulate(tmp_path / "striking", count=4, seed=7)
    rows = [json.loads(line) for file in out.rglob("metadata.jsonl") for line in file.read_text().split("\n") if line]
    assert sorted(row["label"] for row in rows) == [0, 0, 1, 1]


def test_mounting_takes_the_map_along(negative):
    for seed in range(12):
        mark = np.zeros((*negative.shape[:2], 1), np.float32)
        mark[100:140, 200:260] = 1
        density = negative.copy()
        density[100:140, 200:260] = 9
        mounted, moved = capture.mount(density, BASE, mark, np.random.default_rng(seed))
        assert mounted.shape[:2] == moved.shape[:2]
        assert (mounted[moved[..., 0] > 0.99] > 8).all()
