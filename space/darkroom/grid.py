"""Neighbourhoods on a grid that SciPy has no single call for."""

import numpy as np
from scipy import ndimage


def from_border(mask: np.ndarray) -> np.ndarray:
    """The part of a mask (h, w) that is connected to the border, by sides of cells.

    By one labelling: its time grows with the number of cells, however the mask winds.
    """
    part, count = ndimage.label(mask)
    reached = np.zeros(count + 1, bool)
    for side in (part[0], part[-1], part[:, 0], part[:, -1]):
        reached[side] = True
    reached[0] = False
    return reached[part]


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
