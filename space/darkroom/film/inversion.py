"""The positive of a negative, made strip by strip: a large scan takes little more memory than its pixels."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .percentiles import percentiles

# OpenCV's 5-tap Gaussian: sigma = 0.3 * ((5 - 1) / 2 - 1) + 0.8 = 1.1.
GAUSSIAN_5 = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.1**2))
GAUSSIAN_5 /= GAUSSIAN_5.sum()

LN_10 = math.log(10)  # a NumPy scalar would make float32 float64

DARKEST = 1 / 512  # the black of a holder; half an 8-bit step, below which a density is only noise
METHODS = ("cvt2pos", "density")  # of inverting
LEAST_SPAN = 0.10  # log10 units; a thinner negative is not stretched further, so that it still looks thin
STRIP = 1 << 18  # pixels of a strip; as float64 they stay in a processor's cache from step to step
TOGETHER = 4_000_000  # pixels of a picture up to which its channels are worked on at once, one a core
SAMPLE = 4_000_000  # pixels, evenly spread, from which a print's tones are taken

Reader = Callable[[slice, int], np.ndarray]  # (rows, channel) of a negative -> (h, W) float32 in 0…1


class Grade(NamedTuple):
    """What "density" needs to know of a film, so that all its frames get the same colours: the (3,) values, as coded,
    of its base, and of the median and the densest of all its pictures."""

    base: np.ndarray
    middle: np.ndarray
    densest: np.ndarray


def invert(rgb: np.ndarray, method: str = "cvt2pos", grade: Grade | None = None) -> np.ndarray:
    """Make the positive of a negative.

    rgb: (H, W, 3) float in 0…1. grade: of its film, for "density"; without it, this picture's own. Returns (H, W, 3)
    float32 in 0…1.
    method: "cvt2pos", the reference by which the labels were given, every value a multiple of 1/255; or "density",
    which works as a darkroom print does and is for looking.
    Raises ValueError for another method.
    """
    positive = np.empty((3, *rgb.shape[:2]), np.float32).transpose(1, 2, 0)
    for rows, strip in inverted(lambda rows, c: rgb[rows, :, c], rgb.shape[:2], method, grade):
        positive[rows] = strip
    return positive


def inverted(
    read: Reader, shape: tuple[int, int], method: str, grade: Grade | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """The positive as `invert` makes it, strip by strip: (rows, (h, W, 3) float32 in 0…1).

    read: gives rows of one channel of a negative of this shape, (H, W); each is asked for more than once.
    Raises ValueError for another method.
    """
    if method not in METHODS:
        raise ValueError(f"unknown inversion {method!r}: use 'cvt2pos' or 'density'")
    yield from _cvt2pos(read, shape) if method == "cvt2pos" else _density_print(read, shape, grade)


def _strips(shape: tuple[int, int]) -> list[slice]:
    height, width = shape
    rows = max(1, STRIP // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _cvt2pos(read: Reader, shape: tuple[int, int]) -> Iterator[tuple[slice, np.ndarray]]:
    stretched, sums = np.empty((3, *shape), np.uint8), np.zeros(3)

    def stretch(c: int) -> None:
        everything = np.empty(shape, np.float32)
        for rows in _strips(shape):
            everything[rows] = read(rows, c)
        low, high = percentiles(everything.reshape(1, -1), (1, 99))[:, 0]
        del everything
        for rows in _strips(shape):
            values = read(rows, c) - low  # float64; in place from here on, a new array a step is most of the time
            values /= max(high - low, 1e-6)
            np.clip(values, 0, 1, out=values)
            np.subtract(1, values, out=values)
            values *= 255
            stretched[c, rows] = np.trunc(values, out=values)
            sums[c] += values.sum()  # of whole numbers, so exact

    with ThreadPoolExecutor(3 if shape[0] * shape[1] <= TOGETHER else 1) as pool:
        list(pool.map(stretch, range(3)))
        means = sums / (shape[0] * shape[1])
        factors = means.mean() / np.maximum(means, 1e-6)
        for rows in _strips(shape):
            positive = np.empty((3, rows.stop - rows.start, shape[1]), np.float32)

            def soften(c: int, rows: slice = rows, positive: np.ndarray = positive) -> None:
                np.rint(_blur_5(stretched[c], rows, np.float32(factors[c])), out=positive[c])
                np.clip(positive[c], 0, 255, out=positive[c])
                positive[c] /= 255

            list(pool.map(soften, range(3)))
            yield rows, positive.transpose(1, 2, 0)


def _blur_5(plane: np.ndarray, rows: slice, factor: np.float32) -> np.ndarray:
    """5 × 5 Gaussian of `factor` times some rows of (H, W), the border reflected about its outermost pixel
    (reflect-101)."""
    last, width, height = plane.shape[0] - 1, plane.shape[1], rows.stop - rows.start
    around = last - np.abs(last - np.abs(np.arange(rows.start - 2, rows.stop + 2)))
    padded = np.pad(plane[around] * factor, ((0, 0), (2, 2)), mode="reflect")
    across, blurred = np.zeros((height, width + 4), np.float32), np.zeros((height, width), np.float32)
    part = np.empty_like(across)  # one for all steps: a new array takes as long as the step
    for k, weight in enumerate(GAUSSIAN_5):
        across += np.multiply(padded[k : k + height], np.float32(weight), out=part)
    part = part[:, :width]
    for k, weight in enumerate(GAUSSIAN_5):
        blurred += np.multiply(across[:, k : k + width], np.float32(weight), out=part)
    return blurred


def log_density(rgb: np.ndarray, darkest: float = DARKEST) -> np.ndarray:
    """−log10 of the values as coded: density up to a factor (the coding's gamma) and an offset (the light)."""
    logs = np.log(np.maximum(rgb, darkest))  # several times faster than log10
    logs *= -1 / LN_10
    return logs


def _density_print(read: Reader, shape: tuple[int, int], grade: Grade | None) -> Iterator[tuple[slice, np.ndarray]]:
    """Subtract the film base in density, balance the layers at their medians, print on a contrasty paper. By a film's
    grade its frames are filtered alike, and each is exposed by itself, as in a darkroom."""
    (height, width), step = shape, int(np.ceil(np.sqrt(shape[0] * shape[1] / SAMPLE)))
    rows, columns = (slice(n // 12, n - n // 12, step) for n in (height, width))
    middle = np.stack([log_density(read(rows, c)[:, columns]).ravel() for c in range(3)], axis=-1)
    base, median, top = np.percentile(middle, (0.5, 50, 99.5), axis=0) if grade is None else map(log_density, grade)
    span = np.maximum(top - base, LEAST_SPAN)
    grey = np.clip((median - base) / span, 0.05, 0.95)
    power = np.log(np.exp(np.log(grey).mean())) / np.log(grey)  # one exponent a layer: medians meet
    gain = 1.0
    if grade is not None:
        exposure = (np.maximum(middle - base, 0) / span) ** power
        gain = 1 / max(float(np.percentile(exposure.mean(axis=-1), 99.5)), LEAST_SPAN / float(span.mean()))
    for rows in _strips(shape):
        positive = np.empty((3, rows.stop - rows.start, width), np.float32)
        for c, plane in enumerate(positive):
            relative = np.maximum(log_density(read(rows, c)) - base[c], 0) / span[c]
            exposure = np.minimum(gain * relative ** power[c], 1)
            plane[:] = exposure * exposure * (3 - 2 * exposure)
        yield rows, positive.transpose(1, 2, 0)
