"""Procedurally drawn scenes, for use without photographs: sky, land, buildings, foliage, figures, night lights."""

import numpy as np
from scipy import ndimage

from simulator.shapes import blob, even_noise, fractal

SHAPE = 427, 640


def _colour(rng: np.random.Generator, low: float = 0.05, high: float = 0.95, spread: float = 0.25) -> np.ndarray:
    return np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3) * 0.5, 0.01, 0.99).astype(np.float32)


def _paint(picture: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Lay `colour`, (3,) or (H, W, 3), over `picture` where `coverage` (H, W) is, in place; returns the picture."""
    rows, columns = (np.flatnonzero(coverage.any(axis=axis)) for axis in (1, 0))
    if rows.size:  # most things cover little of the picture
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        share = coverage[part][..., None].astype(np.float32)
        over = colour[part] if colour.ndim == 3 else colour
        picture[part] = picture[part] * (1 - share) + over.astype(np.float32) * share
    return picture


def _box(picture: np.ndarray, top: float, left: float, height: float, width: float, colour: np.ndarray) -> np.ndarray:
    """Fill a rectangle in place; returns the picture."""
    picture[max(0, int(top)) : max(0, int(top + height)), max(0, int(left)) : max(0, int(left + width))] = colour
    return picture


def _sky(rng: np.random.Generator, shape: tuple[int, int], night: bool) -> np.ndarray:
    height = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None, None]
    if night:
        return np.tile(_colour(rng, 0.0, 0.08, 0.05) * (0.5 + height), (1, shape[1], 1)).astype(np.float32)
    zenith = np.array([0.25, 0.45, 0.8], np.float32) * rng.uniform(0.5, 1.2)
    horizon = _colour(rng, 0.6, 0.95, 0.2)
    sky = np.tile(zenith * (1 - height) + horizon * height, (1, shape[1], 1))
    cloud = np.clip(
        fractal(shape, shape[1] * rng.uniform(0.1, 0.4), rng) * rng.uniform(0.2, 0.6) - rng.uniform(-0.2, 0.6), 0, 1
    )
    return _paint(sky, cloud, np.full(3, rng.uniform(0.8, 1.0), np.float32))


def _building(picture: np.ndarray, horizon: float, rng: np.random.Generator, night: bool) -> np.ndarray:
    shape = picture.shape[:2]
    width, height = shape[1] * rng.uniform(0.08, 0.35), shape[0] * rng.uniform(0.15, 0.7)
    left, top = rng.uniform(-0.1, 1) * shape[1], horizon - height
    wall = _colour(rng, 0.02, 0.1, 0.05) if night else _colour(rng, 0.2, 0.8)
    _box(picture, top, left, height, width, wall)
    columns, rows = int(rng.integers(2, 8)), int(rng.integers(2, 10))
    glass = _colour(rng, 0.05, 0.5)
    for row in range(rows):
        for column in range(columns):
            lit = night and rng.random() < 0.4
            y, x = top + (row + 0.25) * height / rows, left + (column + 0.2) * width / columns
            pane = np.array([0.95, 0.8, 0.45]) * rng.uniform(0.6, 1) if lit else glass
            _box(picture, y, x, height / rows * 0.5, width / columns * 0.6, pane)
    return picture


def _tree(picture: np.ndarray, ground: float, rng: np.random.Generator) -> np.ndarray:
    shape = picture.shape[:2]
    x, size = rng.uniform(0, 1) * shape[1], shape[1] * rng.uniform(0.03, 0.14)
    _box(picture, ground - size * 1.6, x - size * 0.08, size * 1.7, size * 0.16, _colour(rng, 0.1, 0.3, 0.1))
    crown = blob(shape, (ground - size * 2, x), size, rng, ragged=0.3, soft=size * 0.15)
    leaves = np.clip(0.6 + 0.5 * fractal(shape, size * 0.3, rng, 3), 0, 1.6)
    return _paint(picture, crown, np.array([0.2, 0.4, 0.12]) * rng.uniform(0.4, 1.5, 3) * leaves[..., None])


def _figure(picture: np.ndarray, ground: float, rng: np.random.Generator) -> np.ndarray:
    shape = picture.shape[:2]
    x, size = rng.uniform(0.1, 0.9) * shape[1], shape[0] * rng.uniform(0.05, 0.3)
    skin = np.array([0.85, 0.62, 0.48], np.float32) * rng.uniform(0.35, 1.1)
    for dy, radius, stretch, colour in (
        (0.35, 0.16, 2.8, _colour(rng)),
        (0.95, 0.22, 2.2, _colour(rng)),
        (1.5, 0.14, 1.2, skin),
    ):
        part = blob(shape, (ground - dy * size, x), radius * size, rng, ragged=0.06, stretch=stretch, angle=np.pi / 2)
        picture = _paint(picture, part, colour)
    return picture


def draw(rng: np.random.Generator) -> np.ndarray:
    """One scene, (427, 640, 3) or upright (640, 427, 3), sRGB 0…1."""
    shape = SHAPE if rng.random() < 0.75 else SHAPE[::-1]
    night = rng.random() < 0.15
    picture = _sky(rng, shape, night)
    horizon = shape[0] * rng.uniform(0.25, 0.85)
    rise = np.mgrid[0 : shape[0], 0 : shape[1]][0] - horizon
    for _ in range(rng.integers(0, 4)):  # hills, hazier behind
        ridge = rise + even_noise(shape, shape[1] * rng.uniform(0.1, 0.4), rng)[0] * shape[0] * rng.uniform(0.02, 0.12)
        haze = _colour(rng, 0.1, 0.7) * (0.15 if night else 1)
        picture = _paint(picture, np.clip(ridge + shape[0] * rng.uniform(0, 0.15), 0, 1), haze)
    soil = _colour(rng, 0.08, 0.8, 0.12) * (0.2 if night else 1)
    rough = 1 + rng.uniform(0.02, 0.12) * fractal(shape, rng.uniform(6, 60), rng)
    picture = _paint(picture, np.clip(rise, 0, 1).astype(np.float32), soil * rough[..., None])
    kinds = rng.choice(["town", "nature", "people", "bare"], p=[0.35, 0.3, 0.2, 0.15])
    if kinds == "town":
        for _ in range(rng.integers(1, 7)):
            picture = _building(picture, horizon + rng.uniform(0, 0.1) * shape[0], rng, night)
    if kinds in ("town", "nature"):
        for _ in range(rng.integers(0, 7)):
            picture = _tree(picture, horizon + rng.uniform(0, 0.25) * shape[0], rng)
    if kinds != "bare":
        for _ in range(rng.integers(0, 5)):
            picture = _figure(picture, horizon + rng.uniform(0.1, 0.5) * (shape[0] - horizon), rng)
    if night:
        for _ in range(rng.integers(2, 16)):
            lamp = blob(
                shape, (rng.uniform(0, 1) * horizon, rng.uniform(0, 1) * shape[1]), rng.uniform(1, 6), rng, ragged=0
            )
            glow = np.clip(lamp + 4 * ndimage.gaussian_filter(lamp, 12), 0, 1)
            picture = _paint(picture, glow, np.array([1.0, 0.85, 0.6]))
    texture = 1 + 0.06 * fractal(shape, 5, rng, 2)
    return np.clip(picture * texture[..., None], 0, 1).astype(np.float32)


def bright_sky(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The scene, (H, W, 3) sRGB 0…1, with a bright, nearly even sky, which is dense on the film but no blank area."""
    shape = scene.shape[:2]
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) / max(shape)
    horizon = rng.uniform(0.2, 0.65) * shape[0] / max(shape)
    ridge = even_noise(shape, shape[1] * rng.uniform(0.03, 0.4), rng)[0] * rng.uniform(0, 0.05)
    over = np.clip((horizon + ridge - y) / rng.choice([0.003, rng.uniform(0.01, 0.04)]) + 0.5, 0, 1)
    sun = np.hypot(y - rng.uniform(-0.2, horizon), x - rng.uniform(-0.2, 1.2))
    fade = np.clip(sun / rng.uniform(0.4, 1.5), 0, 1)[..., None]
    near, far = np.full(3, rng.uniform(0.9, 1.0)), _colour(rng, 0.7, 0.95, 0.12)
    sky = near * (1 - fade) + far * fade
    sky = sky + (fractal(shape, shape[1] * 0.3, rng) * rng.choice([0, rng.uniform(0, 0.05)]))[..., None]
    return _paint(scene.copy(), over, np.clip(sky, 0, 1).astype(np.float32))
