"""Training on square crops of frames: many more steps in the same time, at the scale of the whole frame.

The network is fully convolutional and the data set labels the damage of each cell, so a crop has a label of its own.
"""

import numpy as np
import torch

from darkroom.film.film import CELL
from learning.objective import CLEAN

ON_DAMAGE = 0.85  # chance that the crop of a damaged frame covers some of its damage


def crop(pixels: np.ndarray, cells: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """A square of a frame, at most `side` pixels a side, in whole cells.

    pixels: (3, h, w); cells: (K, h / CELL, w / CELL), as `dataset.unpack_row` has them. Draws from torch's global
    generator. Returns both, cropped, and which kinds of damage (K,) are in the square; None where that is unknown.
    """
    size = [min(side // CELL, n) for n in cells.shape[1:]]
    last = [n - cut for n, cut in zip(cells.shape[1:], size, strict=True)]
    corner = [int(torch.randint(n + 1, ())) for n in last]
    known = np.isfinite(cells).all()
    places = np.argwhere(cells.max(axis=0) > CLEAN) if known else []
    if len(places) and torch.rand(()) < ON_DAMAGE:
        place = places[int(torch.randint(len(places), ()))]
        before = [int(torch.randint(cut, ())) for cut in size]
        corner = np.clip(place - before, 0, last).tolist()
    (top, left), (rows, columns) = corner, size
    within = cells[:, top : top + rows, left : left + columns]
    top, left, rows, columns = (n * CELL for n in (top, left, rows, columns))
    present = (within.max(axis=(1, 2)) > CLEAN).astype(np.float32) if known else None
    return pixels[:, top : top + rows, left : left + columns], within, present
