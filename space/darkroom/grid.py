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
    """The mean of the `length` cells around each along `axis`, `length` odd, mirrored at the border. values: of any
    shape; what comes back has their shape, float32 where they are, else float64.

    Sums of 1, 2, 4, 8 … neighbours are made from one another, and those added that `length` is made of.
    """
    width = [(0, 0)] * values.ndim
    width[axis] = (length // 2, length // 2)
    kind = np.float32 if values.dtype == np.float32 else np.float64
    sums = np.moveaxis(np.pad(values.astype(kind, copy=False), width, mode="symmetric"), axis, 0)  # of `size` each
    count, reached, size, total = values.shape[axis], 0, 1, 0
    while size <= length:
        if length & size:
            total = total + sums[reached : reached + count]
            reached += size
        if 2 * size <= length:
            sums = sums[:-size] + sums[size:]
        size *= 2
    return np.moveaxis(total * kind(1 / length), 0, axis)


def box_mean(values: np.ndarray, side: int) -> np.ndarray:
    """The mean (…, h, w) of the `side` × `side` cells around each, `side` odd, mirrored at the border."""
    return box_along(box_along(values, side, -2), side, -1)


def followed(planes: np.ndarray, axis: int, memory: float, stride: int) -> np.ndarray:
    """Planes (C, h, w) averaged along `axis`, 1 or 2, on paths that may step aside by one to whatever is larger.

    At every pixel it is the mean of the best path through it, places further away counting less: `memory` a step, in
    0…1, of `stride` pixels. By dynamic programming, there and back.
    """
    along = np.moveaxis(planes, axis, 0)
    along = np.stack([along[i : i + stride].mean(axis=0) for i in range(0, len(along), stride)])  # (steps, C, across)
    total = -along
    for order in (range(len(along)), range(len(along) - 1, -1, -1)):
        best = np.zeros_like(along[0])
        for i in order:
            aside = np.pad(best, ((0, 0), (1, 1)))
            best = np.maximum(np.maximum(aside[:, :-2], aside[:, 2:]), best) * memory + along[i]
            total[i] += best
    mean = total * ((1 - memory) / (1 + memory))
    return np.moveaxis(np.repeat(mean, stride, axis=0)[: planes.shape[axis]], 0, axis)


def pooled(planes: np.ndarray, side: int, how: str) -> np.ndarray:
    """(C, h, w) -> (C, side, side): the "max", "min" or "mean" of each part; h and w are at least `side`."""
    reduce = {"max": np.maximum.reduce, "min": np.minimum.reduce, "mean": np.mean}[how]
    for axis in (1, 2):  # a loop over slices, which is faster than reduceat
        ends = np.linspace(0, planes.shape[axis], side + 1).astype(int)
        along = np.moveaxis(planes, axis, 0)
        planes = np.stack([reduce(along[a:b], axis=0) for a, b in zip(ends, ends[1:], strict=False)], axis=axis)
    return planes


def sobel(values: np.ndarray, axis: int) -> np.ndarray:
    """Sobel's slope along `axis`, 8 times the slope a cell, mirrored at the border."""
    v = np.pad(values, 1, mode="symmetric")
    if axis == 1:
        v = v.T
    slope = v[2:] - v[:-2]
    smooth = slope[:, :-2] + 2 * slope[:, 1:-1] + slope[:, 2:]
    return smooth if axis == 0 else smooth.T
