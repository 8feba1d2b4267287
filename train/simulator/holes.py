"""Holes in a negative: torn, eaten or punched. As `damage.py` has its functions."""

import numpy as np
from scipy import ndimage

from simulator.shapes import Damaged, blob, somewhere, uncovered


def torn(shape: tuple[int, int], severity: float, rng: np.random.Generator) -> np.ndarray:
    """Rents and ragged holes, as of folds and insects: (H, W) in 0…1."""
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
    """A round hole as of a punch, a drop or a burn, up to 6 mm wide in a frame of 36: (H, W) in 0…1. It lies within the
    frame: bare light that meets the border cannot be told from that around the film."""
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
    """Emulsion and often base gone, torn or punched: bare light, or what a last layer of the emulsion or dirt lets
    through of it; a thin dark rim where the film curls, a glow around."""
    shape, width = density.shape[:2], density.shape[1]
    inside = (punched if rng.random() < 0.3 else torn)(shape, severity, rng)
    ring = np.clip(ndimage.gaussian_filter(inside, 1.6) * 2, 0, 1) * (1 - inside)
    density = density + ring[..., None] * rng.uniform(0.0, 0.5)
    bare = rng.choice([rng.uniform(0.0, 0.06), rng.uniform(0.06, 0.45)], p=[0.6, 0.4]) + rng.uniform(-0.02, 0.02, 3)
    bare = np.minimum(bare, base - [0, 0.1, 0.2])  # clearer than the film in green and blue
    light = 10**-density * (1 - inside[..., None]) + 10**-bare * inside[..., None]
    light += rng.uniform(0, 0.05) * ndimage.gaussian_filter(inside, width * 0.02)[..., None]
    return -np.log10(np.maximum(light, 1e-4)).astype(np.float32), inside
