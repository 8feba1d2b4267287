"""Spots on a negative's density: brown deposits, and the clear discs of air bells. Arguments and
results as in `damage.py`."""

import numpy as np
from scipy import ndimage

from simulator.shapes import Damaged, blob, fractal, pixel, somewhere, uncovered


def residual_spots(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """Brown deposits, or clear discs."""
    return (air_bells if rng.random() < 0.25 else deposits)(density, base, severity, rng)


def deposits(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """Brown deposits and rings of spent chemistry or dried water."""
    brown = np.array([0.3, 0.7, 2.0]) * rng.uniform(0.6, 1.2, 3)
    where = _spots(density.shape[:2], severity, rng, ragged=(0.1, 0.6), stretch=2.5, dried=0.5)
    rough = np.clip(1 + 0.35 * fractal(where.shape, 4 * pixel(where.shape), rng, 2), 0.2, 2)
    strength = rng.uniform(0.2, 0.3) + 0.2 * severity * rng.uniform(0.6, 1.1)
    return (density + (where * rough)[..., None] * brown * strength).astype(np.float32), where


def air_bells(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """Clear discs where a bubble kept the developer off."""
    where = _spots(density.shape[:2], severity, rng, ragged=(0.02, 0.15), stretch=1.2, dried=0)
    left = np.exp(-where[..., None] * rng.uniform(0.4, 0.8) * severity)
    return (base + (density - base) * left).astype(np.float32), where


def _spots(
    shape: tuple[int, int],
    severity: float,
    rng: np.random.Generator,
    *,
    ragged: tuple[float, float],
    stretch: float,
    dried: float,
) -> np.ndarray:
    """Coverage of some spots, alone or in clusters. ragged, stretch: ranges of `blob`'s arguments; dried: share of the
    spots that are only a rim."""
    width = shape[1]
    largest = rng.uniform(0.006, 0.03)
    where = uncovered(shape)
    middle, spread = somewhere(shape, rng), rng.choice([0.1, 0.3, 2.0])
    for _ in range(rng.integers(2, 5 + round(7 * severity))):
        radius = max(width * largest * rng.lognormal(-0.3, 0.5), 1.2 * pixel(shape))
        y, x = middle[0] + rng.normal(0, spread * shape[0]), middle[1] + rng.normal(0, spread * width)
        if not (0 < y < shape[0] and 0 < x < width):
            y, x = somewhere(shape, rng)
        edge, length = rng.uniform(*ragged), rng.uniform(1, stretch)
        angle, soft = rng.uniform(0, np.pi), rng.uniform(1, 3) * pixel(shape)
        spot = blob(shape, (y, x), radius, rng, ragged=edge, stretch=length, angle=angle, soft=soft)
        if dried and rng.random() < dried:
            inner = ndimage.gaussian_filter(spot, radius * rng.uniform(0.15, 0.3))
            spot = np.clip(spot * (1.15 - rng.uniform(0.6, 1.0) * inner**2), 0, 1)
        where = np.maximum(where, spot * rng.uniform(0.5, 1.0))
    return where
