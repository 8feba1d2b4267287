"""Simulated damage on real negatives: twins whose film, light and camera are real.

The negative is converted to density, damaged there by `damage.DAMAGE`, and written as a JPEG again; its clean twin is
written in the same way.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from darkroom.files.light import CODED_GAMMA
from darkroom.film.film import Film, resized
from darkroom.film.scan import open_scan
from simulator.damage import DAMAGE
from simulator.visibility import placed_visibly

QUALITY = 92  # of the JPEG
LEFT = (0.05, 0.25)  # share of the densities above base that underexposure leaves, at severity 3 and 0.7
GRAIN = 0.02  # D of the grain of an underexposed frame


def negative_from(path: Path, long_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Density (H, W, 3) of a real negative, at most `long_side` pixels long, and the mask of its film, (H, W) bool.

    Raises decode.ScanError.
    """
    scan = open_scan(path)
    height, width = scan.small.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    planes = [resized(np.ascontiguousarray(scan.small[..., c]), *size) for c in range(3)]
    inside = resized(Film(scan).inside.astype(np.float32), *size) > 0.99
    return -CODED_GAMMA * np.log10(np.maximum(np.stack(planes, -1), 1 / 512)), inside


def base_of(density: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(3,) D of the film base: the 1 % point of the film's density."""
    return np.percentile(density[inside] if inside.any() else density, 1, axis=0).astype(np.float32)


def damaged(
    density: np.ndarray, inside: np.ndarray, wanted: dict[str, float], kinds: tuple[str, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The density with the wanted damage {kind: severity}, and (H, W, K) visible coverage of each of `kinds`.

    density, inside: as `negative_from` gives them.
    """
    base = base_of(density, inside)
    coverage = np.zeros((*inside.shape, len(kinds)), np.float32)
    if "noise" in wanted:
        left = float(np.interp(wanted["noise"], [0.7, 3], LEFT[::-1]))
        grain = ndimage.gaussian_filter(rng.standard_normal(density.shape, dtype=np.float32), (0.7, 0.7, 0))
        thin = base + (density - base) * left + GRAIN * grain / grain.std()
        density = np.where(inside[..., None], thin, density)
        coverage[..., kinds.index("noise")] = inside
    for kind, apply in DAMAGE.items():
        if kind in wanted:
            found = placed_visibly(apply, density, base, wanted[kind], rng, inside)
            density, coverage[..., kinds.index(kind)] = np.where(inside[..., None], found[0], density), found[1]
    return density, coverage


def encode(density: np.ndarray) -> bytes:
    """The negative's JPEG. density: (H, W, 3)."""
    coded = 10 ** (-density / CODED_GAMMA)
    file = io.BytesIO()
    Image.fromarray((np.clip(coded, 0, 1) * 255 + 0.5).astype(np.uint8)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
