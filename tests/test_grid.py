"""What is connected to the border, and what lies along a line."""

import time

import numpy as np
import pytest
from darkroom.grid import followed, from_border, pooled
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


def test_a_serpentine_of_any_length_costs_no_more_than_its_area():
    mask = np.zeros((640, 640), bool)
    mask[::2] = True
    mask[1::4, -1] = mask[3::4, 0] = True  # one way through, with a bend at the end of every row
    begun = time.perf_counter()
    np.testing.assert_array_equal(from_border(mask), mask)
    assert time.perf_counter() - begun < 0.2


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
    assert on_it.min() > 0.85 > 3 * ndimage.uniform_filter1d(plane, 81, 2)[0, :, 50:150].max()
    assert along[0, :4, 50:150].max() < 0.8 * on_it.min()
