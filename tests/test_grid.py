"""The neighbourhoods are SciPy's, to the value."""

import numpy as np
import pytest
from darkroom.grid import box_mean, from_border, grown, sobel
from scipy import ndimage


@pytest.fixture(params=range(4))
def rng(request) -> np.random.Generator:
    return np.random.default_rng(request.param)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_touches_the_border_is_found_around_every_corner(rng, share):
    mask = rng.random((60, 83)) < share
    parts, _ = ndimage.label(mask)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    np.testing.assert_array_equal(from_border(mask), np.isin(parts, edge[edge > 0]))


def test_a_spiral_is_followed_to_its_end():
    mask = np.zeros((21, 21), bool)
    row, column, step = 0, 0, (0, 1)
    mask[0, 0] = True
    for length in (20, 20, 20, 18, 18, 16, 16, 14, 14, 12, 12, 10):
        for _ in range(length):
            row, column = row + step[0], column + step[1]
            mask[row, column] = True
        step = (step[1], -step[0])
    np.testing.assert_array_equal(from_border(mask), mask)


def test_growing_is_dilation_by_a_cross(rng):
    mask = rng.random((40, 50)) < 0.02
    np.testing.assert_array_equal(grown(mask, 3), ndimage.binary_dilation(mask, iterations=3))


@pytest.mark.parametrize("side", [1, 3, 9])
def test_the_box_mean_is_the_uniform_filter(rng, side):
    values = rng.normal(size=(30, 41))
    np.testing.assert_allclose(box_mean(values, side), ndimage.uniform_filter(values, side), atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_slope_is_sobels(rng, axis):
    values = rng.normal(size=(30, 41))
    np.testing.assert_allclose(sobel(values, axis), ndimage.sobel(values, axis), atol=1e-12)
