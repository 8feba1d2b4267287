"""Shapes of damage as coverage: float32 (H, W), 0 outside, 1 inside, soft between."""

import numpy as np
from PIL import Image
from scipy import ndimage

Damaged = tuple[np.ndarray, np.ndarray]  # the new density, (H, W, 3), and its coverage, (H, W) in 0…1
DRAWN_AT = 576  # pixels of the long side for which edges and lines are given; on smaller frames they scale down


def pixel(shape: tuple[int, int]) -> float:
    """A pixel of a frame that is `DRAWN_AT` long, in pixels of a smaller one, at most 1."""
    return min(1, max(shape) / DRAWN_AT)


def somewhere(shape: tuple[int, int], rng: np.random.Generator, margin: float = 0.04) -> tuple[float, float]:
    """A place (y, x) in the frame, at least `margin` of it from its borders."""
    return rng.uniform(margin, 1 - margin) * shape[0], rng.uniform(margin, 1 - margin) * shape[1]


def uncovered(shape: tuple[int, int]) -> np.ndarray:
    """(H, W) of zeros: coverage into which shapes are merged by their maximum."""
    return np.zeros(shape, np.float32)


def grey(layers: np.ndarray) -> np.ndarray:
    """The mean of the three layers, (H, W, 3) -> (H, W): one by one, many times faster than an axis of three."""
    return (layers[..., 0] + layers[..., 1] + layers[..., 2]) / 3


def even_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise, zero mean, unit variance; `scale` is the size in pixels of its lumps."""
    height, width = shape
    rows, columns = max(3, round(height / scale) + 2), max(3, round(width / scale) + 2)
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
    fine = np.asarray(
        coarse.resize((width, height), Image.Resampling.BICUBIC, box=(0.5, 0.5, columns - 0.5, rows - 0.5))
    )
    return (fine - fine.mean()) / max(float(fine.std()), 1e-6)


def fractal(shape: tuple[int, int], scale: float, rng: np.random.Generator, octaves: int = 4) -> np.ndarray:
    """Clouds, foliage, stains: noise at `scale` and finer, each octave half as strong. Unit variance."""
    total = sum(even_noise(shape, max(scale / 2**k, 1.5), rng) * 0.55**k for k in range(octaves))
    return total / total.std()


def blob(
    shape: tuple[int, int],
    centre: tuple[float, float],
    radius: float,
    rng: np.random.Generator,
    *,
    ragged: float = 0.2,
    stretch: float = 1.0,
    angle: float = 0.0,
    soft: float = 1.0,
) -> np.ndarray:
    """A closed shape about `centre` (y, x). radius: mean, in pixels. ragged: 0 a disc, 0.5 torn. stretch: length over
    breadth along `angle`. soft: width in pixels of the edge."""
    coverage = np.zeros(shape, np.float32)
    reach = int(radius * max(stretch, 1) * (1 + 2 * ragged) + 3 * soft + 2)
    top, left = max(0, int(centre[0]) - reach), max(0, int(centre[1]) - reach)
    bottom, right = min(shape[0], int(centre[0]) + reach), min(shape[1], int(centre[1]) + reach)
    if bottom <= top or right <= left:
        return coverage
    waves = [(k, ragged * rng.normal(0, 0.8 / k**0.7), rng.uniform(0, 2 * np.pi)) for k in range(2, 9)]
    furthest = radius * (1 + sum(abs(height) for _, height, _ in waves)) + max(soft, 0.5) / 2
    reach = int(furthest * np.sqrt(stretch)) + 2  # beyond it there is nothing
    top, left = max(top, int(centre[0]) - reach), max(left, int(centre[1]) - reach)
    bottom, right = min(bottom, int(centre[0]) + reach), min(right, int(centre[1]) + reach)
    if bottom <= top or right <= left:
        return coverage
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    y, x = y - centre[0], x - centre[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    along, across = along / np.sqrt(stretch), across * np.sqrt(stretch)
    theta = np.arctan2(across, along)
    edge = np.full_like(theta, 1.0)
    for k, height, phase in waves:
        edge += height * np.cos(k * theta + phase)
    distance = np.hypot(along, across) - radius * np.maximum(edge, 0.15)  # below 0 is inside
    coverage[top:bottom, left:right] = np.clip(0.5 - distance / max(soft, 0.5), 0, 1)
    return coverage


def line(
    shape: tuple[int, int],
    start: tuple[float, float],
    length: float,
    angle: float,
    width: float,
    wander: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """A scratch from `start` (y, x) along `angle`, fading in and out. width and wander in pixels."""
    coverage = np.zeros(shape, np.float32)
    t = np.arange(0, length, 0.5)
    sway = np.cumsum(rng.normal(0, 1, max(2, len(t) // 40)))
    sway = np.interp(t, np.linspace(0, length, len(sway)), sway) * wander
    y = start[0] + t * np.sin(angle) + sway * np.cos(angle)
    x = start[1] + t * np.cos(angle) - sway * np.sin(angle)
    strength = np.clip(np.interp(t, np.linspace(0, length, 12), rng.uniform(0.2, 1.3, 12)), 0, 1)
    strength *= np.clip(np.minimum(t, length - t) / max(length * 0.1, 1), 0, 1)
    inside = (y >= 0) & (y < shape[0] - 1) & (x >= 0) & (x < shape[1] - 1)
    rows, columns = y[inside].astype(int), x[inside].astype(int)
    if not rows.size:
        return coverage
    np.maximum.at(coverage, (rows, columns), strength[inside].astype(np.float32))
    margin = round(width) + 4  # what dilation and blur reach; beyond it there is nothing to work on
    part = tuple(slice(max(0, at.min() - margin), at.max() + margin + 1) for at in (rows, columns))
    drawn = coverage[part]
    if width > 1:
        drawn = ndimage.grey_dilation(drawn, size=(max(1, round(width)), max(1, round(width))))
    coverage[part] = np.clip(ndimage.gaussian_filter(drawn, 0.5) * 1.3, 0, 1)
    return coverage
