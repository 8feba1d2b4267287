"""Neighbourhoods on a grid, in NumPy alone, so that a published model runs where SciPy is not installed."""

import numpy as np


def from_border(mask: np.ndarray) -> np.ndarray:
    """The part of a mask (h, w) that is connected to the border, by sides of cells."""
    reached = mask.copy()
    reached[1:-1, 1:-1] = False
    count = -1
    while count != (count := int(reached.sum())):
        reached = _whole_runs(mask, reached)
        reached = _whole_runs(mask.T, reached.T).T
    return reached


def _whole_runs(mask: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """Every run of `mask` along a row of which one cell is reached, as a whole."""
    wall = np.pad(~mask, ((0, 0), (0, 1)), constant_values=True)  # a run ends where its row does
    run = np.cumsum(wall).reshape(wall.shape)[:, :-1]
    hit = np.zeros(int(wall.sum()) + 1, bool)
    hit[run[reached]] = True
    return mask & hit[run]


def grown(mask: np.ndarray, by: int) -> np.ndarray:
    """A mask (h, w) with all cells at most `by` steps away, sideways and up or down."""
    for _ in range(by):
        wider = mask.copy()
        wider[1:] |= mask[:-1]
        wider[:-1] |= mask[1:]
        wider[:, 1:] |= mask[:, :-1]
        wider[:, :-1] |= mask[:, 1:]
        mask = wider
    return mask


def box_along(values: np.ndarray, length: int, axis: int) -> np.ndarray:
    """The mean (h, w) float64 of the `length` cells around each along `axis`, `length` odd, mirrored at the border."""
    width = [(length // 2, length // 2) if a == axis else (0, 0) for a in (0, 1)]
    padded = np.pad(np.asarray(values, np.float64), width, mode="symmetric")
    summed = np.insert(np.cumsum(padded, axis=axis), 0, 0, axis=axis)
    count = summed.shape[axis]
    return (summed.take(range(length, count), axis) - summed.take(range(count - length), axis)) / length


def box_mean(values: np.ndarray, side: int) -> np.ndarray:
    """The mean (h, w) float64 of the `side` × `side` cells around each, `side` odd, mirrored at the border."""
    return box_along(box_along(values, side, 0), side, 1)


def sobel(values: np.ndarray, axis: int) -> np.ndarray:
    """Sobel's slope along `axis`, 8 times the slope a cell, mirrored at the border."""
    v = np.pad(values, 1, mode="symmetric")
    if axis == 1:
        v = v.T
    slope = v[2:] - v[:-2]
    smooth = slope[:, :-2] + 2 * slope[:, 1:-1] + slope[:, 2:]
    return smooth if axis == 0 else smooth.T
