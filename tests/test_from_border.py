"""What is connected to the border of a picture."""

import time

import numpy as np
import pytest
from scipy import ndimage

from darkroom.film.film import from_border


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
    begun = time.process_time()
    np.testing.assert_array_equal(from_border(mask), mask)
    assert time.process_time() - begun < 0.2
