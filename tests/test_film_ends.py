"""Overlaps and film ends at a frame's short ends, which leave it readable."""

import numpy as np
import pytest

from simulator import film_ends
from simulator.emulsion import BASE


def frame(shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (BASE + rng.uniform(0.1, 1.2, (*shape, 3))).astype(np.float32)


@pytest.mark.parametrize("shape", [(200, 300), (300, 200)])
def test_an_overlap_is_a_narrow_strip_of_more_density_at_a_short_end(shape):
    density = frame(shape)
    sides = set()
    for seed in range(12):
        gained = film_ends.overlapping(density, BASE, np.random.default_rng(seed)) - density
        along = gained.mean(axis=(0, 2) if shape[1] > shape[0] else (1, 2))  # over the short side
        strip = np.flatnonzero(np.abs(along) > 1e-4)
        assert 0 < strip.size <= 30 and np.ptp(strip) == strip.size - 1
        assert strip[0] == 0 or strip[-1] == along.size - 1
        assert gained.min() > -1e-4 and along[strip].min() > 0.03
        sides.add(bool(strip[0] == 0))
    assert sides == {True, False}


@pytest.mark.parametrize("shape", [(200, 300), (300, 200)])
def test_film_that_ends_is_bare_light_or_its_base_and_covers_no_damage(shape):
    density, coverage = frame(shape), np.ones((*shape, 2), np.float32)
    seen = set()
    for seed in range(12):
        after, left = film_ends.cut_off(density, coverage, BASE, np.random.default_rng(seed))
        gone = left[..., 0] == 0
        assert 0.01 < gone.mean() < 0.32 and (left[~gone] == 1).all()
        assert (after[~gone] == density[~gone]).all()
        rest = after[gone]
        assert (rest == film_ends.OPEN).all() or (rest == BASE).all()
        seen.add(bool((rest == film_ends.OPEN).all()))
        end = gone if shape[1] > shape[0] else gone.T
        assert end[:, 0].mean() > 0.7 or end[:, -1].mean() > 0.7
    assert seen == {True, False}
