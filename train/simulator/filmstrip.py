"""A strip of film with its frames: exposed and developed, with gaps, rebate, edge print and sprocket holes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from darkroom.frames.frame import FORMATS
from simulator.emulsion import add_grain, expose, film_stock
from simulator.scenes import draw

BREADTH = {24.0: 35.0, 56.0: 61.5}  # mm of film for a picture height
PITCH, HOLE = 4.75, (1.98, 2.8)  # mm from hole to hole, and of a hole along and across the film
EXPOSED = 1.8  # D above base of fully exposed film


@dataclass(frozen=True, eq=False)
class Filmstrip:
    """A strip: density (h, w, 3), the corners (n, 4, 2) of its frames in its pixels, and their scenes, (H, W, 3) sRGB
    0…1 each."""

    density: np.ndarray
    corners: np.ndarray
    scenes: list[np.ndarray]


def scene(photos: list[Path], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) sRGB 0…1, mostly in landscape format: a photograph, or a drawn scene without photographs."""
    if not photos:
        picture = draw(rng)
    else:
        with Image.open(photos[int(rng.integers(len(photos)))]) as opened:
            opened.draft("RGB", (800, 800))
            small = opened.convert("RGB")
        small.thumbnail((800, 800))
        picture = np.asarray(small, np.float32) / 255
    return picture if rng.random() < 0.8 else np.ascontiguousarray(np.rot90(picture))


def strip(kind: str, count: int, per_mm: float, photos: list[Path], rng: np.random.Generator) -> Filmstrip:
    """A strip with `count` frames of a format, `per_mm` pixels a millimetre. Its gaps are those of one camera, more
    or less even; sometimes two frames overlap, or the last one is cut."""
    long, high = FORMATS[kind]
    breadth = BREADTH[high]
    roll = film_stock(rng)
    usual = {24.0: 2.0, 56.0: 5.0}[high] * rng.uniform(0.6, 1.3)
    uneven = rng.choice([0.05, 0.15, 0.4])
    gaps = np.maximum(usual * (1 + rng.normal(0, uneven, count + 1)), 0.4)
    if count > 1 and rng.random() < 0.06:
        gaps[int(rng.integers(1, count))] = rng.uniform(-0.03, 0.0) * long
    gaps[[0, -1]] *= rng.uniform(0.3, 1.2, 2)
    starts = np.cumsum(np.r_[gaps[0], long + gaps[1:-1]])
    length = float(starts[-1] + long + gaps[-1])
    cut = rng.uniform(0.05, 0.3) * long if count > 1 and rng.random() < 0.12 else 0.0
    length -= cut + (gaps[-1] if cut else 0)
    shape = round(breadth * per_mm), round(length * per_mm)
    density = np.tile(roll.base.astype(np.float32), (*shape, 1))
    top = (breadth - high) / 2 + rng.normal(0, 0.1)
    cast, light = rng.normal(0, 0.3, 3), rng.normal(0.2, 0.8)
    corners, scenes = [], []
    for start in starts:
        picture = _fitted(scene(photos, rng), round(long * per_mm), round(high * per_mm))
        scenes.append(picture)
        stops = float(np.clip(light + rng.normal(0, 0.7), -2.5, 2.5))
        exposed = expose(picture, roll, stops, cast, rng.uniform(0.9, 1.3))
        row, column = round(top * per_mm), round(start * per_mm)
        part = density[row : row + exposed.shape[0], column : column + exposed.shape[1]]
        above = exposed[: part.shape[0], : part.shape[1]] - roll.base
        part[:] = np.minimum(part + above, roll.base + EXPOSED)
        ends = start, min(start + long, length)
        corners.append([(ends[0], top), (ends[1], top), (ends[1], top + high), (ends[0], top + high)])
    _edge_print(density, per_mm, (breadth - high) / 2, roll.base, rng)
    density = add_grain(density, roll, rng)
    if high == 24.0:
        _perforate(density, per_mm, rng.uniform(0, PITCH))
    return Filmstrip(density, np.array(corners) * per_mm, scenes)


def _fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a picture (H, W, 3) at another size and proportion."""
    tall, wide = picture.shape[:2]
    scale = max(width / wide, height / tall)
    image = Image.fromarray((picture * 255).astype(np.uint8))
    image = image.resize((max(width, round(wide * scale)), max(height, round(tall * scale))), Image.Resampling.BILINEAR)
    left, upper = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, upper, left + width, upper + height)), np.float32) / 255


def _edge_print(density: np.ndarray, per_mm: float, rebate: float, base: np.ndarray, rng: np.random.Generator) -> None:
    """Letters and bars that the maker exposed along the edges, in place."""
    height, width = density.shape[:2]
    tall = max(1, round(0.18 * rebate * per_mm))
    for row in (round(0.08 * rebate * per_mm), height - tall - round(0.08 * rebate * per_mm)):
        column = rng.uniform(0, 10) * per_mm
        while column < width:
            for _ in range(int(rng.integers(3, 12))):
                wide = rng.uniform(0.3, 1.4) * per_mm
                density[row : row + tall, int(column) : int(column + wide)] = base + 0.8 * EXPOSED
                column += wide + rng.uniform(0.3, 0.8) * per_mm
            column += rng.uniform(4, 25) * per_mm


def _perforate(density: np.ndarray, per_mm: float, first: float) -> None:
    """Holes along both edges, in place."""
    height, width = density.shape[:2]
    tall, wide = round(HOLE[1] * per_mm), round(HOLE[0] * per_mm)
    for row in (round(2.0 * per_mm), height - round(2.0 * per_mm) - tall):
        for at in np.arange(first - PITCH, width / per_mm, PITCH):
            column = round(at * per_mm)
            density[row : row + tall, max(0, column) : max(0, column + wide)] = 0
