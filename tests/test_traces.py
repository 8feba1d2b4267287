"""Small damage, measured: each trace is found where it is, and grows with the damage."""

import numpy as np
import pytest
from darkroom.traces import deposit, patch, streak

SHAPE = (340, 512)


def film(seed: int = 0) -> np.ndarray:
    """A frame of soft shapes with grain, density (h, w, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    scene = sum(
        rng.uniform(-0.1, 0.1) * np.sin((x * np.cos(a) + y * np.sin(a)) / rng.uniform(20, 80))
        for a in rng.uniform(0, 6, 8)
    )
    return scene[..., None] * (0.8, 1.0, 1.2) + (0.6, 1.0, 1.4) + 0.02 * rng.standard_normal((*SHAPE, 3))


INSIDE = np.zeros(SHAPE, bool)
INSIDE[12:-12, 12:-12] = True
DISC = np.hypot(*(np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] - np.array([150, 200])[:, None, None]))


@pytest.mark.parametrize("turned", [False, True])
def test_a_streak_short_of_blue_is_measured_along_either_side(turned):
    found = []
    for loss in (0.0, 0.1, 0.3):
        density = film()
        density[200:202, 100:400] -= loss * np.array([0.35, 0.65, 1.0])
        view = (density.transpose(1, 0, 2), INSIDE.T) if turned else (density, INSIDE)
        found.append(streak(*view))
    assert found[0] < 0.02 and found[1] > 2 * found[0] and found[2] > 1.2 * found[1]


def test_a_streak_that_is_grey_is_an_edge_of_the_scene():
    density = film()
    density[200:202, 100:400] -= 0.3
    assert streak(density, INSIDE) == pytest.approx(streak(film(), INSIDE), abs=0.003)


def test_brown_deposits_stand_out_more_than_light_spots():
    brown, light = film(), film()
    brown[DISC < 9] += np.array([0.3, 0.7, 2.0]) * 0.4
    light[DISC < 9] -= np.array([0.3, 0.7, 2.0]) * 0.4
    assert deposit(brown, INSIDE) > 5 * deposit(film(), INSIDE)
    assert deposit(brown, INSIDE) > 1.3 * deposit(light, INSIDE)  # whose rim stands out


def test_a_soft_green_patch_stands_out_of_its_frame():
    usual = patch(film(), INSIDE)
    faint = film() - np.exp(-((DISC / 14) ** 2))[..., None] * np.array([0.0, 0.15, 0.0])
    assert patch(faint, INSIDE) > 2 * usual


def test_a_frame_that_is_all_border_has_no_traces():
    nowhere = np.zeros(SHAPE, bool)
    assert [measure(film(), nowhere) for measure in (streak, deposit, patch)] == [0, 0, 0]
