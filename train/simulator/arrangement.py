"""Strips of film arranged as people photograph them: on a light table with other things, in a sleeve, in a holder."""

import numpy as np
from PIL import Image

from simulator.capture import HOLDER
from simulator.filmstrip import Filmstrip

TILT = 7.0  # degrees


def arranged(films: list[Filmstrip], kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The strips below each other on their background: (H, W, 3) density, and (n, 4, 2) corners in reading order."""
    tilts = np.full(len(films), rng.uniform(-TILT, TILT) * rng.choice([0.15, 1]))
    if kind in ("sleeve", "holder", "filling"):
        tilts = np.full(len(films), rng.normal(0, 0.6))
    tilts = np.radians(tilts + rng.normal(0, 0.5 if kind in ("table", "clutter") else 0.1, len(films)))
    heights = np.array([f.density.shape[0] for f in films])
    widths = np.array([f.density.shape[1] for f in films])
    room = heights.mean() * (rng.uniform(0.1, 0.7) if kind in ("table", "clutter") else rng.uniform(0.06, 0.2))
    tall = heights + widths * np.abs(np.sin(tilts))
    edge = heights.mean() * rng.uniform(0.2, 1.2, 2)
    if kind == "filling":
        edge[:] = 0
        room = -0.04 * heights.mean()
    shape = int(tall.sum() + room * (len(films) - 1) + 2 * edge[0]), int((widths * np.cos(tilts)).max() + 2 * edge[1])
    canvas = _surround(shape, kind, rng)
    corners, top = [], edge[0]
    for film_, tilt, down in zip(films, tilts, tall, strict=True):
        slack = shape[1] - film_.density.shape[1] * np.cos(tilt)
        left = slack * (rng.uniform(0.2, 0.8) if kind in ("table", "clutter") else 0.5)
        offset = np.array([left, top + max(0.0, -np.sin(tilt)) * film_.density.shape[1]])
        if kind == "sleeve":
            _sleeve(canvas, offset, film_.density.shape)
        corners.append(_put(canvas, film_, offset, tilt, kind, rng))
        top += down + room
    if kind == "filling":
        canvas = canvas[: int(top - room)] if len(films) > 1 else canvas
    return canvas, np.concatenate(corners)


def _surround(shape: tuple[int, int], kind: str, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) D of bare light, a dim screen or a holder; for "clutter" with other things on it."""
    if kind == "holder" or (kind == "filling" and rng.random() < 0.5):
        return np.tile((HOLDER * rng.uniform(0.7, 1) + rng.normal(0, 0.05, 3)).astype(np.float32), (*shape, 1))
    canvas = np.tile((rng.uniform(0, 0.05) + rng.uniform(0, 0.03, 3)).astype(np.float32), (*shape, 1))
    if kind == "clutter":
        for _ in range(int(rng.integers(1, 5))):
            _thing(canvas, rng)
        if rng.random() < 0.5:
            _ruler(canvas, rng)
        if rng.random() < 0.5:  # the edge of the table or phone
            side = int(rng.uniform(0.03, 0.12) * shape[0])
            canvas[:side] = rng.uniform(0.8, 3)
    return canvas


def _thing(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A finger, a cap, a note: an opaque ellipse or oblong at the picture's border, in place."""
    height, width = canvas.shape[:2]
    y, x = np.ogrid[:height, :width]
    middle = rng.choice([0, 1]) * height, rng.uniform(0, 1) * width
    if rng.random() < 0.5:
        middle = rng.uniform(0, 1) * height, rng.choice([0, 1]) * width
    size = rng.uniform(0.04, 0.12, 2) * max(height, width)
    power = rng.choice([2, 8])
    inside = np.abs((y - middle[0]) / size[0]) ** power + np.abs((x - middle[1]) / size[1]) ** power < 1
    canvas[inside] = rng.uniform(0.3, 2.0) + rng.normal(0, 0.15, 3)


def _ruler(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A ruler's marks along the upper or lower border, in place."""
    height, width = canvas.shape[:2]
    step, long = width / rng.uniform(60, 160), int(rng.uniform(0.01, 0.03) * height)
    for i, column in enumerate(np.arange(0, width, step)):
        reach = long if i % 5 else 2 * long
        canvas[:reach, int(column) : int(column + max(1, 0.25 * step))] = 2.5


def _sleeve(canvas: np.ndarray, offset: np.ndarray, shape: tuple[int, ...]) -> None:
    """The pocket's two seams, in place."""
    seam = max(1, round(0.01 * shape[0]))
    for row in (offset[1] - 3 * seam, offset[1] + shape[0] + 2 * seam):
        canvas[max(0, int(row)) : max(0, int(row) + seam)] += 0.12


def _put(
    canvas: np.ndarray, film_: Filmstrip, offset: np.ndarray, tilt: float, kind: str, rng: np.random.Generator
) -> np.ndarray:
    """Put a strip on the canvas, in place, rotated by `tilt` radians about its upper left corner; returns the corners
    of its frames on the canvas. A holder shows only the frames, or all between the holes."""
    density = film_.density
    if kind == "holder":
        density = _masked(film_, canvas[0, 0], rng)
    height, width = density.shape[:2]
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cos, -sin], [sin, cos]])
    outline = np.array([(0, 0), (width, 0), (width, height), (0, height)]) @ turn.T + offset
    low, high = np.floor(outline.min(axis=0)).astype(int), np.ceil(outline.max(axis=0)).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, canvas.shape[1::-1])
    size = tuple(int(v) for v in high - low)
    back = turn.T  # from the canvas to the film
    shift = back @ (low - offset)
    data = (back[0, 0], back[0, 1], shift[0], back[1, 0], back[1, 1], shift[1])
    planes = [
        Image.fromarray(np.ascontiguousarray(density[..., c])).transform(
            size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=-1.0
        )
        for c in range(3)
    ]
    placed = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    there = placed[..., :1] > -0.3
    part[:] = np.where(there, np.maximum(placed, 0) + part * (kind == "sleeve"), part)
    return film_.corners @ turn.T + offset


def _masked(film_: Filmstrip, holder: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A strip behind a holder with one long window, or with a window for each frame."""
    height, width = film_.density.shape[:2]
    open_ = np.zeros((height, width, 1), bool)
    corners = film_.corners
    rim = rng.uniform(0.0, 0.02) * height
    top, bottom = int(corners[0, 0, 1] - rim), int(corners[0, 2, 1] + rim)
    if rng.random() < 0.5:
        open_[top:bottom, : width - 1] = True
    else:
        for frame in corners:
            open_[top:bottom, max(0, int(frame[0, 0] - rim)) : int(frame[1, 0] + rim)] = True
    return np.where(open_, film_.density, holder)
