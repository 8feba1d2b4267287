"""Holes in a negative: torn, eaten or punched. Arguments and results as in `damage.py`."""

import numpy as np
from scipy import ndimage

from simulator.shapes import Damaged, blob, somewhere, uncovered


def torn(shape: tuple[int, int], severity: float, rng: np.random.Generator) -> np.ndarray:
    """Tears and ragged holes, as folds and insects leave them: (H, W) in 0…1."""
    inside, rents = uncovered(shape), rng.random() < 0.5
    for _ in range(rng.integers(1, 2 + round(1.3 * severity))):
        hole = blob(
            shape,
            somewhere(shape, rng),
            shape[1] * rng.uniform(0.004, 0.007 + 0.012 * severity),
            rng,
            ragged=rng.uniform(0.15, 0.6),
            stretch=rng.uniform(2, 6) if rents else rng.uniform(1, 1.6),
            angle=rng.uniform(0, np.pi),
            soft=1.5,
        )
        inside = np.maximum(inside, hole)
    return inside


def punched(shape: tuple[int, int], severity: float, rng: np.random.Generator) -> np.ndarray:
    """A round hole, as a punch, a drop or a burn leaves it, up to 6 mm wide in a frame of 36 mm: (H, W) in 0…1. It lies
    within the frame: at the border it could not be distinguished from the bare light around the film."""
    radius = shape[1] * rng.uniform(0.006, 0.015 + 0.025 * severity)
    return blob(
        shape,
        somewhere(shape, rng, margin=1.2 * radius / min(shape)),
        radius,
        rng,
        ragged=rng.uniform(0, 0.03),
        stretch=rng.uniform(1, 1.2),
        angle=rng.uniform(0, np.pi),
        soft=rng.uniform(0.5, 2),
    )


def holes(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """Emulsion, and often the base, torn or punched away: bare light, or the part of it that a remaining layer of
    emulsion or dirt lets through; a thin dark rim where the film curls, a glow around it."""
    shape, width = density.shape[:2], density.shape[1]
    inside = (punched if rng.random() < 0.3 else torn)(shape, severity, rng)
    ring = np.clip(ndimage.gaussian_filter(inside, 1.6) * 2, 0, 1) * (1 - inside)
    density = density + ring[..., None] * rng.uniform(0.0, 0.5)
    bare = rng.choice([rng.uniform(0.0, 0.06), rng.uniform(0.06, 0.45)], p=[0.6, 0.4]) + rng.uniform(-0.02, 0.02, 3)
    bare = np.minimum(bare, base - [0, 0.1, 0.2])  # clearer than the film in green and blue
    light = 10**-density * (1 - inside[..., None]) + 10**-bare * inside[..., None]
    light += rng.uniform(0, 0.05) * ndimage.gaussian_filter(inside, width * 0.02)[..., None]
    return -np.log10(np.maximum(light, 1e-4)).astype(np.float32), inside
