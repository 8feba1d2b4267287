"""Infrared is aligned with its picture: a shift and a slight scale are found and undone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from darkroom.files.alignment import Placement, placement, warped
from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from darkroom.film.surface import DUST, surface_map
from film import sixteen_bit
from infrared import DUSTY, HEIGHT, RGB, SHARE, WIDTH, specks, tiff, with_infrared

SHIFTS = [(0, 0, 0), (5.4, -0.3, 0), (-9, 6.5, 0), (2, 3, 0.006), (0, 0, -0.01)]


def moved(plane: np.ndarray, down: float, right: float, scale: float) -> np.ndarray:
    """A plane shifted and scaled, as by a lens that focuses elsewhere; the arguments are those of `Placement`."""
    y, x = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]].astype(float)
    middle_y, middle_x = (plane.shape[0] - 1) / 2, (plane.shape[1] - 1) / 2
    from_y = (y - middle_y - down) / (1 + scale) + middle_y
    from_x = (x - middle_x - right) / (1 + scale) + middle_x
    return map_coordinates(plane, [from_y, from_x], order=1, mode="mirror")


@pytest.fixture(scope="module")
def dusty_picture() -> np.ndarray:
    """`RGB` with foliage, which gives it edges, and with the dust, which stops light too."""
    leaves = np.random.default_rng(5).uniform(-0.15, 0.15, (HEIGHT // 10, WIDTH // 10)).repeat(10, 0).repeat(10, 1)
    density = -np.log10(RGB) + 0.4 * gaussian_filter(leaves, 1)[..., None]
    return 10 ** -(density + 0.2 * specks()[..., None])


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_a_shift_and_a_scale_of_the_infrared_are_found_and_undone(shift, dusty_picture):
    place = placement(
        -np.log10(dusty_picture).mean(-1).astype(np.float32),
        -np.log10(moved(DUSTY, *shift)).astype(np.float32),
    )
    if any(shift):
        assert place.down == pytest.approx(shift[0], abs=0.3) and place.right == pytest.approx(shift[1], abs=0.3)
        assert place.scale == pytest.approx(shift[2], abs=0.0015)
    scan = open_scan(tiff(with_infrared(sixteen_bit(dusty_picture), moved(DUSTY, *shift))), "moved.tif")
    dust = surface_map(Film(scan)) == DUST
    assert (dust & specks()).sum() > 0.75 * specks().sum()
    assert dust.mean() == pytest.approx(SHARE, rel=0.2)


def test_pictures_that_have_nothing_in_common_stay_where_they_are():
    noise = np.random.default_rng(0).normal(0, 1, (2, HEIGHT, WIDTH)).astype(np.float32)
    assert placement(*noise) is None
    even = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    assert placement(even, even) is None and placement(even[:20, :], even[:20, :]) is None


def test_a_warped_plane_comes_from_where_its_placement_says():
    plane = np.zeros((41, 61), np.float32)
    plane[30, 40] = 1  # 10 below and right of the centre
    np.testing.assert_array_equal(np.argwhere(warped(plane, Placement(2, -3, 0.0))), [[28, 43]])
    assert warped(plane, Placement(0, 0, 0.25))[28, 38] == pytest.approx(1)
