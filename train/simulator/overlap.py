"""How well frames that were found lie on those that are there: intersection over union of polygons."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.optimize import linear_sum_assignment

RASTER = 400  # pixels on the long side on which polygons are compared


def overlap(expected: np.ndarray, found: np.ndarray, shape: tuple[int, ...]) -> tuple[float, ...]:
    """Of each expected polygon (n, 4, 2), as shares of the picture, the intersection over union with its own among the
    found ones."""
    scale = RASTER / max(shape[:2]) * np.array(shape[1::-1])
    masks = [_masks(polygons, scale) for polygons in (expected, found)]
    flat = [m.reshape(len(m), -1).astype(np.float32) for m in masks]
    both = flat[0] @ flat[1].T
    union = flat[0].sum(axis=1)[:, None] + flat[1].sum(axis=1)[None] - both
    iou = both / np.maximum(union, 1)
    rows, columns = linear_sum_assignment(-iou)
    out = np.zeros(len(expected))
    out[rows] = iou[rows, columns]
    return tuple(float(v) for v in out)


def _masks(polygons: np.ndarray, scale: np.ndarray) -> np.ndarray:
    masks = []
    for polygon in polygons:
        image = Image.new("1", tuple(int(v) + 1 for v in scale))
        ImageDraw.Draw(image).polygon([tuple(p) for p in (polygon * scale).tolist()], fill=1)
        masks.append(np.asarray(image))
    return np.stack(masks)
