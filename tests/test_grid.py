"""The neighbourhoods are SciPy's, to the value."""

import numpy as np
import pytest
from darkroom.grid import box_along, box_mean, followed, from_border, grown, pooled, sobel
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


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_mean_along_one_side_is_the_uniform_filter_in_single_precision_too(rng, axis):
    values = rng.normal(size=(3, 30, 41)).astype(np.float32)
    found = box_along(values, 13, axis)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, ndimage.uniform_filter1d(values, 13, axis), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_slope_is_sobels(rng, axis):
    values = rng.normal(size=(30, 41))
    np.testing.assert_allclose(sobel(values, axis), ndimage.sobel(values, axis), atol=1e-12)


def test_pooled_are_the_extremes_and_the_mean_of_each_part():
    plane = np.zeros((1, 33, 50))
    plane[0, 32, 49], plane[0, 0, 0] = 5, -2
    assert pooled(plane, 16, "max")[0, -1, -1] == 5 and pooled(plane, 16, "max").sum() == 5
    assert pooled(plane, 16, "min")[0, 0, 0] == -2 and pooled(np.ones((1, 33, 50)), 16, "mean") == pytest.approx(1)


def test_an_even_plane_followed_is_itself_far_from_its_ends():
    assert followed(np.full((2, 20, 400), 0.7), 2, 0.9, 2)[..., 100:300] == pytest.approx(0.7, rel=0.01)


@pytest.mark.parametrize("axis", [1, 2])
def test_a_line_that_bends_is_followed_and_a_straight_mean_loses_it(axis):
    x = np.arange(200)
    plane = np.zeros((1, 41, 200))
    plane[0, np.rint(20 + 8 * np.sin(x / 25)).astype(int), x] = 1
    along = followed(plane if axis == 2 else plane.transpose(0, 2, 1), axis, 0.97, 1)
    along = along if axis == 2 else along.transpose(0, 2, 1)
    on_it = along[0, np.rint(20 + 8 * np.sin(x / 25)).astype(int), x][50:150]
    assert on_it.min() > 0.85 > 3 * box_along(plane, 81, 2)[0, :, 50:150].max()
    assert along[0, :4, 50:150].max() < 0.8 * on_it.min()
