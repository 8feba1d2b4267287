"""Quadrilaterals on a picture: fitted to a piece of film, straightened, taken back.

Points are (x, y) in pixels, y down; a pixel's middle lies at whole numbers + 0.5. Quadrilaterals are (4, 2), clockwise
from the upper left of the straightened piece.
"""

import numpy as np
from PIL import Image

SAMPLES = 48  # points of a side through which its line is drawn


def fitted_line(at: np.ndarray, values: np.ndarray, tolerance: float) -> tuple[float, float]:
    """Slope and offset of the line with most points within `tolerance` of it, whatever the others do: of all lines
    through two points that lie apart the one with most of them near (as RANSAC, Fischler and Bolles 1981, but every
    pair), then least squares through those."""
    chosen = np.linspace(0, len(at) - 1, min(SAMPLES, len(at))).astype(int)
    few, fewer = at[chosen], values[chosen]
    i, j = np.triu_indices(len(few), 1)
    far = few[j] - few[i] > 0.2 * (at[-1] - at[0] + 1)
    if not far.any():
        return 0.0, float(np.median(values))
    i, j = i[far], j[far]
    slopes = (fewer[j] - fewer[i]) / (few[j] - few[i])
    offsets = fewer[i] - slopes * few[i]
    off = np.abs(fewer - slopes[:, None] * few - offsets[:, None])
    best = int(np.argmax((off <= tolerance).sum(axis=1) - off.clip(max=tolerance).sum(axis=1) / (2 * tolerance)))
    slope, offset = float(slopes[best]), float(offsets[best])
    for within in (tolerance, max(1.5, tolerance / 4)):  # what strays a little would tilt the line
        near = np.abs(values - slope * at - offset) <= within
        if near.sum() >= max(8, len(at) / 4):
            slope, offset = (float(v) for v in np.polyfit(at[near], values[near], 1))
    return slope, offset


def straightened(pixels: np.ndarray, quad: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8 of what a quadrilateral holds of a picture (h, w, 3) uint8."""
    upper_left, upper_right, lower_right, lower_left = quad
    data = (*upper_left, *lower_left, *lower_right, *upper_right)
    picture = Image.fromarray(pixels).transform((width, height), Image.Transform.QUAD, data, Image.Resampling.BILINEAR)
    return np.asarray(picture)


def taken_back(points: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """(N, 2) points of the picture that lie at `points`, shares of a quadrilateral's length and height (bilinear)."""
    u, v = points[:, :1], points[:, 1:]
    a, b, c, d = quad
    return a * (1 - u) * (1 - v) + b * u * (1 - v) + c * u * v + d * (1 - u) * v


def perspective(quad: np.ndarray, width: int, height: int) -> np.ndarray:
    """(8,) a…h of the projective map (x, y) → ((ax + by + c) / (gx + hy + 1), (dx + ey + f) / (gx + hy + 1)) that takes
    the corners of a straightened piece of that size to a quadrilateral's (Hartley and Zisserman, 2003, 4.1)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(((0, 0), (width, 0), (width, height), (0, height)), quad.tolist(), strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(values, float))


def projected(points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(N, 2) where a projective map takes points (N, 2); numbers: as `perspective` gives them."""
    x, y = points.T
    a, b, c, d, e, f, g, h = numbers
    return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1) / (g * x + h * y + 1)[:, None]


def area(polygon: np.ndarray) -> float:
    """Of a polygon (N, 2), by the shoelace formula."""
    x, y = polygon.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
