"""Events at the short ends of a frame that leave it readable: overlapping frames, the end of the film."""

import numpy as np

from simulator.emulsion import expose_again, stops_of

OPEN = 0.0  # D of bare light


def overlapping(density: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A narrow strip at one end on which the neighbouring frame was exposed as well."""
    upright = density.shape[0] > density.shape[1]
    frame = density.transpose(1, 0, 2) if upright else density
    breadth = max(2, int(rng.uniform(0.015, 0.1) * frame.shape[1]))
    here, there = np.s_[:, :breadth], np.s_[:, -breadth:]  # the far end of this frame stands for the neighbour
    if rng.random() < 0.5:
        here, there = there, here
    light = 2.0 ** (stops_of(frame[there], base) + rng.normal(0, 0.7))
    doubled = frame.copy()
    doubled[here] = expose_again(frame[here], base, light)
    return doubled.transpose(1, 0, 2) if upright else doubled


def cut_off(
    density: np.ndarray, coverage: np.ndarray, base: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A frame that ends early: beyond the cut lies bare light, or the unexposed rest of the roll. Returns the density
    and the coverage, (H, W, K), which is zero there."""
    height, width = density.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along, across, size = (x, y, width) if width >= height else (y, x, height)
    bare = rng.random() < 0.5
    share = rng.uniform(0.03, 0.25 if bare else 0.15)
    gone = along + (across * rng.normal(0, 0.04) if bare else 0) < share * size  # scissors cut at a slant
    if rng.random() < 0.5:
        gone = gone[::-1, ::-1]
    gone = gone[..., None]
    return np.where(gone, OPEN if bare else base, density).astype(np.float32), np.where(gone, 0, coverage)
