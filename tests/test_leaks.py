"""Light leaks: where they lie, what colour they have, and when they are innocent."""

import numpy as np
import pytest

from simulator import leaks
from simulator.emulsion import BASE, RANGE

SHAPE = 160, 240
EVEN = np.full((*SHAPE, 3), BASE + 0.5, np.float32)


def leaked(seed: int, severity: float) -> tuple[np.ndarray, np.ndarray]:
    density, where = leaks.light_leak(EVEN, BASE, severity, np.random.default_rng(seed))
    return density - EVEN, where


def within(plane: np.ndarray, edge: float) -> np.ndarray:
    top, left = (round(edge * n) for n in plane.shape[:2])
    return plane[top : plane.shape[0] - top, left : plane.shape[1] - left]


def test_a_leak_that_is_damage_lies_over_the_subject():
    seen = [where for seed in range(60) if (where := leaked(seed, 2.0)[1]).any()]
    assert len(seen) > 35
    assert min((within(where, leaks.EDGE) > 0.5).mean() for where in seen) > 0.05


def test_what_is_innocent_stays_at_the_edge_or_is_a_veil():
    depths = []
    for seed in range(60):
        gained = (leaks.innocent_leak(EVEN, BASE, np.random.default_rng(seed)) - EVEN).max(axis=-1)
        assert gained.max() > 0.004
        depths.append(within(gained, 0.1).max())
    assert max(depths) < 0.15  # as much as a stop, over the subject
    assert np.median(depths) < 0.02


def test_the_red_layer_is_hit_first_but_by_white_light_or_from_the_emulsions_side():
    sums = np.array([leaked(seed, 1.0)[0].mean(axis=(0, 1)) for seed in range(80)])
    warm = (sums[:, 0] > 1.2 * sums[:, 1]) & (sums[:, 1] > sums[:, 2])
    cold = (sums[:, 2] > 1.2 * sums[:, 1]) & (sums[:, 1] > sums[:, 0])
    assert 0.5 < warm.mean() < 0.85 and 0 < cold.mean() < 0.25


def test_a_severe_one_takes_the_content_and_ends_at_the_films_densest():
    dark, light = EVEN - 0.3, EVEN + 0.6  # 0.9 D apart
    lost = []
    for seed in range(30):
        after = [leaks.light_leak(film, BASE, 3.0, np.random.default_rng(seed))[0] for film in (dark, light)]
        apart = (after[1] - after[0]).mean(axis=-1)
        lost.append((apart < 0.3).mean())
        assert (after[1] <= BASE + RANGE + 0.2).all()
    assert np.mean(lost) > 0.1 and max(lost) > 0.35


def test_tongues_stand_at_the_pitch_of_the_perforation():
    y, x = np.linspace(0, 1, 384, dtype=np.float32)[:, None], np.linspace(0, 1, 576, dtype=np.float32)[None, :]
    for seed in range(10):
        row = leaks._tongues(y, x, 0.3, np.random.default_rng(seed)).mean(axis=0)
        waves = np.abs(np.fft.rfft(row - row.mean()))
        assert waves[6:30].argmax() + 6 in (7, 8, 9)


@pytest.mark.parametrize("shape", [(384, 576), (576, 384)])
def test_a_band_crosses_the_way_of_the_film(shape):
    for seed in range(10):
        band = leaks._from_a_side(leaks._bands, shape, 0.3, np.random.default_rng(seed))
        along, across = (0, 1) if shape[0] > shape[1] else (1, 0)
        assert band.mean(axis=across).std() > 2 * band.mean(axis=along).std()
