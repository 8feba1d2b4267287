"""The fast percentiles are NumPy's."""

import numpy as np
import pytest

from darkroom.film.percentiles import SAMPLE, percentiles


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 3, 64, 1001, 40_000])
def test_they_are_numpys_to_the_bit(dtype, count):
    rng = np.random.default_rng(count)
    misleading = rng.normal(size=(3, count))
    misleading[:, (SAMPLE * count).astype(int)] += 100  # the sample sees these alone
    for planes in (rng.normal(size=(3, count)), rng.integers(0, 4, (3, count)) / 255, misleading):
        planes, q = planes.astype(dtype), (0, 1, 5, 50, 50, 95, 99.5, 100)
        kept = planes.copy()
        assert np.array_equal(percentiles(planes, q), np.percentile(planes, q, axis=1))
        assert np.array_equal(planes, kept)
