"""How one picture of a frame lies on another of it: a shift and a slight scale, by phase correlation.

A lens focuses infrared elsewhere than light, and some scanners take the two one after the other. What both show (edges
of a holder, dust, the little of the picture that the dyes leave in infrared) says how to lay one on the other.
Kuglin and Hines, "The phase correlation image alignment method", 1975: the inverse Fourier transform of the
normalised cross-power spectrum has its peak at the shift.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft
from scipy.ndimage import affine_transform, gaussian_filter

FINE, COARSE = 1.0, 10.0  # pixels: standard deviations of the two Gaussians whose difference is compared
GLANCE = 384  # pixels on the long side that the whole pictures are compared at, where a scale blurs little
WINDOW, WINDOWS = 256, 5  # pixels a side of the places compared after that, and how many along a side at most
SURE = 12.0  # standard deviations of the correlation by which a peak stands out; that of noise reaches 6
FARTHEST = 0.05  # of a side that pictures may lie apart
MOST_SCALE = 0.02
AGREE = 1.5  # pixels by which a window may differ from what the others say


class Placement(NamedTuple):
    """The place y, x (pixels from the centre) of one picture lies at y + down + scale · y, x + right + scale · x of
    the other."""

    down: float
    right: float
    scale: float


def placement(fixed: np.ndarray, moving: np.ndarray) -> Placement | None:
    """Where `moving` lies on `fixed`, both (h, w) float32 densities; None where the two have nothing in common that
    would say so."""
    height, width = fixed.shape
    step = -(-max(height, width) // GLANCE)
    near, far = _blocks(fixed, step), _blocks(moving, step)
    if min(near.shape) < 16:
        return None
    (down, right), peak = _shift(_band(near), _band(far), FARTHEST)
    start = round(down * step), round(right * step)
    fixed, moving = _band(fixed), _band(moving)
    found = []
    for window in _windows(height, width):
        other = tuple(slice(s.start + d, s.stop + d) for s, d in zip(window, start, strict=True))
        if any(s.start < 0 or s.stop > size for s, size in zip(other, fixed.shape, strict=True)):
            continue
        apart, sure = _shift(fixed[window], moving[other], 0.25)
        if sure >= SURE:
            centre = [(s.start + s.stop) / 2 - size / 2 for s, size in zip(window, fixed.shape, strict=True)]
            found.append((*centre, start[0] + apart[0], start[1] + apart[1]))
    place = (
        _fit_placement(np.array(found))
        if found
        else Placement(down * step, right * step, 0.0)
        if peak >= SURE
        else None
    )
    return place if place and _alike(fixed, warped(moving, place)) > _alike(fixed, moving) else None


def warped(moving: np.ndarray, place: Placement, beyond: float | None = None) -> np.ndarray:
    """(h, w) float32 laid on the other picture. Beyond its border it is mirrored, or has the value `beyond`."""
    offset = [d - place.scale * (size - 1) / 2 for d, size in zip(place[:2], moving.shape, strict=True)]
    mode = {"mode": "mirror"} if beyond is None else {"mode": "constant", "cval": beyond}
    return affine_transform(moving, [1 + place.scale] * 2, offset, order=1, **mode)


def _band(plane: np.ndarray) -> np.ndarray:
    return gaussian_filter(plane, FINE) - gaussian_filter(plane, COARSE)


def _blocks(plane: np.ndarray, step: int) -> np.ndarray:
    height, width = (size // step for size in plane.shape)
    return plane[: height * step, : width * step].reshape(height, step, width, step).mean((1, 3))


def _windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """Places spread evenly, of `WINDOW` pixels a side or what there is, a little inside the border."""

    def along(size: int) -> list[slice]:
        side, margin = min(WINDOW, round(0.8 * size)), size // 40
        count = min(WINDOWS, max(1, round(1.5 * (size - 2 * margin) / side)))
        starts = np.linspace(margin, size - margin - side, count) if count > 1 else [(size - side) / 2]
        return [slice(round(start), round(start) + side) for start in starts]

    return [(rows, columns) for rows in along(height) for columns in along(width)]


def _shift(fixed: np.ndarray, moving: np.ndarray, most: float) -> tuple[tuple[float, float], float]:
    """Pixels down and right that `moving` lies from `fixed`, at most that share of a side, and by how many standard
    deviations the peak stands out."""
    height, width = fixed.shape
    taper = np.hanning(height).astype(np.float32)[:, None] * np.hanning(width).astype(np.float32)
    one, other = (fft.rfft2((plane - plane.mean()) * taper) for plane in (fixed, moving))
    cross = other * one.conj()
    strength = np.abs(cross)
    cross /= strength + strength.mean() + 1e-30  # frequencies of which there is next to nothing say nothing
    found = fft.irfft2(cross, s=fixed.shape)
    down, right = max(1, int(most * height)), max(1, int(most * width))
    near = np.roll(found, (down, right), (0, 1))[: 2 * down + 1, : 2 * right + 1]
    y, x = np.unravel_index(near.argmax(), near.shape)
    sure = float((near[y, x] - found.mean()) / max(float(found.std()), 1e-30))
    return (y - down + _between(near[:, x], y), x - right + _between(near[y], x)), sure


def _between(values: np.ndarray, at: int) -> float:
    """Where between −0.5 and 0.5 of `at` a parabola through the peak and its neighbours has its top."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, peak, after = (float(v) for v in values[at - 1 : at + 2])
    bend = before - 2 * peak + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def _fit_placement(found: np.ndarray) -> Placement:
    """The shift and scale of windows (n, 4): place from the centre down and right, and how far apart there."""
    places, apart = found[:, :2], found[:, 2:]
    middle = np.median(apart, axis=0)
    shifted = Placement(float(middle[0]), float(middle[1]), 0.0)
    if len(found) < 4:
        return shifted
    keep = np.ones(len(found), bool)
    down, right, scale = shifted
    for _ in range(4):
        count = int(keep.sum())
        if count < 4:
            return shifted
        unknown = np.zeros((2 * count, 3))
        unknown[:count, 0] = unknown[count:, 1] = 1
        unknown[:, 2] = places[keep].T.ravel()
        down, right, scale = np.linalg.lstsq(unknown, apart[keep].T.ravel(), rcond=None)[0]
        wrong = np.hypot(*(apart - [down, right] - scale * places).T)
        keep = wrong <= max(AGREE, 2 * float(np.median(wrong)))
    return Placement(float(down), float(right), float(scale)) if abs(scale) <= MOST_SCALE else shifted


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation, −1…1, of two pictures without a mean."""
    size = float(np.sqrt((one**2).sum(dtype=np.float64) * (other**2).sum(dtype=np.float64)))
    return float((one * other).sum(dtype=np.float64)) / size if size else 0.0
