"""Small damage measured on the film: streaks along its travel, deposits, soft patches. NumPy only.

None of these is a verdict. Each says how far something stands out that chemistry and friction leave and scenes seldom
do; `train/calibrate.py` fits what it is worth.
"""

import numpy as np

from .grid import box_along, box_mean

STREAK, ACROSS = 81, 13  # pixels: length over which a streak is averaged, and breadth of the ground it is held against
FAINT = 0.15  # D; what differs more from its ground is an edge of the scene, and counts as this
SPECK, AROUND = 3, 11  # pixels: size of a deposit, and of its ground
PATCH = 19  # pixels: size of a patch; its ground is twice as wide
LARGEST = 99.9  # percentile that stands for the strongest few pixels


def streak(density: np.ndarray, inside: np.ndarray) -> float:
    """Deepest light streak, in D of blue less red density, along either side of the picture.

    density: (h, w, 3), inside: (h, w) bool, as `evidence.Film` has them. The yellow layer lies on top and is rubbed
    off first, so a streak is short of blue density.
    """
    yellow = density[..., 2] - density[..., 0]
    deepest = 0.0
    for axis in (0, 1):
        apart = np.clip(yellow - box_along(yellow, ACROSS, axis), -FAINT, FAINT)
        deepest = max(deepest, -float(box_along(apart, STREAK, 1 - axis)[inside].min(initial=0)))
    return deepest


def deposit(density: np.ndarray, inside: np.ndarray) -> float:
    """How far the strongest small surplus of blue over red density stands out of such differences in the frame, as a
    multiple of their deviation: brown deposits hold (0.3, 0.7, 2) D of red, green and blue."""
    yellow = density[..., 2] - density[..., 0]
    apart = (box_mean(yellow, SPECK) - box_mean(box_mean(yellow, AROUND), AROUND))[inside]
    if not apart.size:
        return 0.0
    deviation = 1.48 * float(np.median(np.abs(apart - np.median(apart))))  # robust: of a normal distribution, its σ
    return float(np.percentile(apart, LARGEST)) / (deviation + 1e-3)


def patch(density: np.ndarray, inside: np.ndarray) -> float:
    """How far the strongest soft spot of green against magenta stands out, as a multiple of the frame's usual one.

    Where the picture itself is busy a difference counts less."""
    values = density[inside]
    if not values.size:
        return 0.0
    low, middle, high = np.percentile(values, (10, 50, 90), axis=0)
    red, green, blue = np.moveaxis((density - middle) / np.maximum(high - low, 0.2), -1, 0)
    colour, grey = green - (red + blue) / 2, (red + green + blue) / 3
    busy = box_mean(np.abs(grey - _soft(grey, 7)), 31)
    apart = (np.abs(_soft(colour, PATCH) - _soft(colour, 2 * PATCH + 1)) / (busy + 0.02))[inside]
    return float(np.percentile(apart, 99.5)) / (float(np.median(apart)) + 1e-4)


def _soft(values: np.ndarray, side: int) -> np.ndarray:
    return box_mean(box_mean(values, side), side)
