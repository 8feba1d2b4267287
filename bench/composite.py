"""Damage put on real, readable negatives: the measuring stick for the default model.

Nothing here is shared with the simulator that made the training data: other shapes, other code, real film below.
"""

import io

import numpy as np
import tifffile
from PIL import Image
from scipy import ndimage

GAMMA = 2.2


def _ellipse(
    shape: tuple[int, int], rng: np.random.Generator, radius: float, flat: float = 1.0, soft: float = 1.0
) -> np.ndarray:
    """Coverage (H, W) of an ellipse at a random place; radius in shares of the width."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y -= rng.uniform(0.1, 0.9) * height
    x -= rng.uniform(0.1, 0.9) * width
    turn = rng.uniform(0, np.pi)
    a, b = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    r = radius * width
    return np.clip((r - np.hypot(a * flat, b / flat)) / max(soft, 1) + 0.5, 0, 1)


def _wobble(shape: tuple[int, int], rng: np.random.Generator, size: float) -> np.ndarray:
    """Smooth noise of unit variance; size in pixels."""
    small = rng.standard_normal((int(shape[0] / size) + 4, int(shape[1] / size) + 4)).astype(np.float32)
    big = ndimage.zoom(small, (shape[0] / (small.shape[0] - 1), shape[1] / (small.shape[1] - 1)), order=3)
    big = big[: shape[0], : shape[1]]
    big = np.pad(big, [(0, shape[0] - big.shape[0]), (0, shape[1] - big.shape[1])], mode="edge")
    return big / big.std()


def clean(d, base, severity, rng):
    """The frame as it is, through the same file format as the damaged ones."""
    return d, np.zeros(d.shape[:2])


def noise(d, base, severity, rng):
    """Underexposure: the picture squeezed on to the base, its grain left."""
    left = {1: 0.22, 2: 0.14, 3: 0.08}[severity]
    grain = ndimage.gaussian_filter(rng.standard_normal(d.shape), (0.8, 0.8, 0))
    return base + (d - base) * left + 0.02 * grain / grain.std(), np.ones(d.shape[:2])


def holes(d, base, severity, rng):
    """Ragged holes: bare light."""
    where = np.zeros(d.shape[:2], np.float32)
    for _ in range(severity):
        radius = {1: 0.008, 2: 0.014, 3: 0.025}[severity] * rng.uniform(0.7, 1.3)
        where = np.maximum(where, _ellipse(d.shape[:2], rng, radius, rng.uniform(1, 1.8), 2))
    torn = np.clip(where * 3 + _wobble(d.shape[:2], rng, d.shape[1] * 0.006) * where - 0.8, 0, 1)
    return d * (1 - torn[..., None]) + 0.07 * torn[..., None], torn


def blank_area(d, base, severity, rng):
    """A part of the frame that is opaque, or clear."""
    height, width = d.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / width
    field = x * rng.choice([-1, 1]) + y * rng.uniform(-0.6, 0.6) + 0.04 * _wobble((height, width), rng, width / 4)
    share = {1: 0.06, 2: 0.15, 3: 0.35}[severity]
    where = 1 / (1 + np.exp(-np.clip((field - np.quantile(field, 1 - share)) / 0.008, -30, 30)))
    opaque = rng.random() < 0.7
    goal = 1.9 + rng.uniform(-0.1, 0.1, 3) if opaque else base
    return d * (1 - where[..., None]) + goal * where[..., None], where


def colour_patches(d, base, severity, rng):
    """Soft discs of another colour."""
    where = np.zeros(d.shape[:2], np.float32)
    for _ in range(2 + 2 * severity):
        radius = rng.uniform(0.02, 0.06)
        disc = _ellipse(d.shape[:2], rng, radius, rng.uniform(1, 1.2), radius * d.shape[1] * rng.uniform(0.3, 0.8))
        where = np.maximum(where, disc)
    loss = 0.05 * severity * rng.permutation([1.0, 0.6, 0.3]) * 1.3
    return d - where[..., None] * loss, where


def residual_spots(d, base, severity, rng):
    """Brown spots and rings."""
    where = np.zeros(d.shape[:2], np.float32)
    for _ in range({1: 3, 2: 7, 3: 14}[severity]):
        radius = rng.uniform(0.005, 0.016)
        spot = _ellipse(d.shape[:2], rng, radius, rng.uniform(1, 1.6), 2)
        if rng.random() < 0.4:
            spot = np.clip(spot - 0.8 * ndimage.gaussian_filter(spot, radius * d.shape[1] * 0.25), 0, 1)
        where = np.maximum(where, spot)
    where = np.clip(where * (1 + 0.3 * _wobble(d.shape[:2], rng, 6)), 0, 1)
    return d + where[..., None] * np.array([0.3, 0.7, 2.0]) * {1: 0.3, 2: 0.55, 3: 0.9}[severity], where


def dye_removal(d, base, severity, rng):
    """Streaks along the film's travel."""
    height, width = d.shape[:2]
    where = np.zeros((height, width), np.float32)
    for _ in range({1: 2, 2: 5, 3: 10}[severity]):
        row, thick = rng.uniform(0.05, 0.95) * height, max(1.0, rng.uniform(0.001, 0.005) * width)
        start, end = np.sort(rng.uniform(-0.2, 1.2, 2)) * width
        end = max(end, start + 0.25 * width)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        centre = row + 0.004 * width * np.sin(x / width * rng.uniform(2, 6) + rng.uniform(0, 6))
        ends = np.clip((x - start) / 30, 0, 1) * np.clip((end - x) / 30, 0, 1)
        where = np.maximum(where, np.clip(thick / 2 + 0.5 - np.abs(y - centre), 0, 1) * ends)
    where *= np.clip(0.8 + 0.3 * _wobble((height, width), rng, 12), 0.2, 1)
    loss = where[..., None] * np.array([0.3, 0.6, 1.0]) * {1: 0.45, 2: 0.7, 3: 1.0}[severity]
    return d * (1 - loss) + 0.8 * base * loss, where


def in_holder(rgb: np.ndarray, density: float, sides: str, seed: int) -> np.ndarray:
    """A negative, (H, W, 3) coded with `GAMMA`, behind a window in a holder of this density, which lies along `sides`:
    of "top", "left", "bottom" and "right" their first letters. Its edge is a little soft, its light a little uneven."""
    rng = np.random.default_rng(seed)
    wide = round(0.07 * rgb.shape[1])
    widths = [[wide * (side in sides) for side in pair] for pair in ("tb", "lr")]
    light = np.pad(rgb, [*widths, (0, 0)], mode="edge") ** GAMMA
    film = ndimage.gaussian_filter(np.pad(np.ones(rgb.shape[:2]), widths), 1.5, mode="nearest")[..., None]
    grey = density + 0.06 * _wobble(light.shape[:2], rng, rgb.shape[1] / 3)[..., None]
    grey = grey + 0.02 * rng.standard_normal(light.shape)
    return (light * film + 10**-grey * (1 - film)) ** (1 / GAMMA)


MAKERS = (noise, blank_area, colour_patches, holes, residual_spots, dye_removal)


def jpeg(values: np.ndarray, quality: int = 88) -> bytes:
    """Encode (H, W, 3) in 0…1."""
    file = io.BytesIO()
    Image.fromarray(np.rint(values.clip(0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return file.getvalue()


def composite(rgb: np.ndarray, maker, severity: int, seed: int, bits: int = 8) -> tuple[bytes, np.ndarray]:
    """A real negative with damage: the file's bytes (JPEG, or 16-bit TIFF for a 16-bit scan; coded, as `rgb` is) and
    (H, W) coverage."""
    rng = np.random.default_rng(seed)
    density = -GAMMA * np.log10(np.maximum(rgb, 1 / 1024))
    base = np.percentile(density, 1, axis=(0, 1))
    damaged, where = maker(density, base, severity, rng)
    values = np.clip(10 ** (-damaged / GAMMA), 0, 1)
    if bits == 8:
        return jpeg(values), where
    file = io.BytesIO()
    tifffile.imwrite(file, np.rint(values * 65535).astype(np.uint16), photometric="rgb")
    return file.getvalue(), where


def reduced(rgb: np.ndarray, long_side: int = 1200) -> np.ndarray:
    """The picture at most `long_side` pixels long: enough for every defect here, and quick."""
    step = max(1, max(rgb.shape[:2]) // long_side)
    height, width = (n // step * step for n in rgb.shape[:2])
    cut = rgb[:height, :width].reshape(height // step, step, width // step, step, 3)
    return cut.mean(axis=(1, 3))
