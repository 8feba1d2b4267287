"""Whether the heat map lies on the damage, measured on data sets that label the damaged cells."""

import numpy as np
import torch
from datasets import Dataset
from torch.nn import functional as F

from darkroom.taxonomy import DEFECTS
from learning.objective import CLEAN

HOTTEST = 0.1  # share of the heat map's cells


def hits(heat: np.ndarray, damaged: np.ndarray) -> np.ndarray:
    """(N,) bool: whether the hottest tenth of a heat map contains damage. heat: (N, h, w); damaged: the same, bool."""
    flat = heat.reshape(len(heat), -1)
    hottest = np.argsort(-flat, axis=1, kind="stable")[:, : max(1, round(HOTTEST * flat.shape[1]))]
    return np.take_along_axis(damaged.reshape(flat.shape), hottest, axis=1).any(axis=1)


def hits_by_kind(heat: np.ndarray, rows: Dataset) -> dict[str, float]:
    """For each kind of damage in `rows`, the share of its frames in which the hottest tenth contains it, among frames
    with maps; {} without any. heat: (N, h, w) of the rows, which are as `dataset.prepare_dataset` gives them."""
    known = np.array([len(cells) > 0 for cells in rows["cells"]])
    if not known.any():
        return {}
    maps = [np.frombuffer(cells, np.uint8) for cells in rows["cells"] if cells]
    heat, grid = heat[known], round((maps[0].size / len(DEFECTS)) ** 0.5)
    share = torch.from_numpy(np.stack(maps).reshape(-1, len(DEFECTS), grid, grid).astype(np.float32) / 255)
    damaged = (F.adaptive_max_pool2d(share, heat.shape[-2:]) > CLEAN).numpy()
    found = {}
    for k, kind in enumerate(DEFECTS):
        has = damaged[:, k].any(axis=(1, 2))
        if has.any():
            found[kind] = float(hits(heat[has], damaged[has, k]).mean())
    return found
