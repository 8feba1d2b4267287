"""Sprocket holes along a straightened piece of film: their pitch, and between which rows the pictures lie."""

from dataclasses import dataclass

import numpy as np

PITCH, FILM, IMAGE = 4.75, 35.0, 24.0  # mm: from hole to hole, the film's breadth, the picture's height (ISO 1007)
HOLE = 2.8  # mm, of a hole across the film; along it 1.98
LEAST, MOST = 0.12, 0.21  # of the piece's breadth that a pitch measures; more where only a part of the film is seen
OUTER = 0.3  # share of the breadth, from either side, in which holes are looked for
SHARE = 0.3  # of a row's variance that lies at the holes' frequency and twice that
BRIGHT = 0.72  # of the light's value, that passes a hole
PAPER = 0.93  # of the light's value; of film, only holes are as bright
HOLES, MANY = 4, 7  # that must be seen, where all of the film's breadth is there and where it is not


@dataclass(frozen=True)
class Sprockets:
    """pitch: in pixels along the film. rows: first and last row of the pictures, by the holes' place. both: whether
    holes are seen on both sides."""

    pitch: float
    rows: tuple[float, float]
    both: bool
    complete: bool


def sprockets(values: np.ndarray) -> Sprockets | None:
    """values: (h, w) 0…1, a straightened piece's weakest channel, 1 is the light. Returns None where no row of holes
    is seen."""
    height, width = values.shape
    if width < HOLES * LEAST * height or height < 24 or (values > PAPER).mean() > 0.4:
        return None
    outer = max(2, round(OUTER * height))
    lines = values[np.r_[0:outer, height - outer : height]].astype(np.float32)
    lines = lines - lines.mean(axis=1, keepdims=True)
    size = 4 << int(np.ceil(np.log2(width)))
    power = np.abs(np.fft.rfft(lines * np.hanning(width).astype(np.float32), size, axis=1)) ** 2
    total = power.sum(axis=1) + 1e-6
    low, high = int(np.ceil(size / (MOST * height))), min(int(size / (LEAST * height)), power.shape[1] // 2 - 1)
    if high - low < 3:
        return None
    reach = max(2, round(1.5 * size / width))  # a peak's half width

    def around(at: int) -> np.ndarray:
        return power[:, max(1, at - reach) : at + reach + 1].sum(axis=1)

    lively = lines.std(axis=1) > 0.05
    peak = low + int(np.argmax((power / total[:, None] * lively[:, None]).sum(axis=0)[low:high]))
    pitch = size / peak
    if width < HOLES * pitch:
        return None
    share = (around(peak) + around(min(2 * peak, power.shape[1] - 1))) / total
    # Light passes the holes, whatever lies between them.
    bright = np.percentile(values[np.r_[0:outer, height - outer : height]], 80, axis=1) > BRIGHT
    holed = (share > SHARE) & lively & bright
    scale = pitch / PITCH
    thick = 0.5 * HOLE * scale, 1.6 * HOLE * scale + 1
    upper, lower = np.flatnonzero(holed[:outer]), np.flatnonzero(holed[outer:])
    seen = [thick[0] <= len(rows) <= thick[1] for rows in (upper, lower)]
    if not any(seen):
        return None
    first = float(upper[-1] + 1 + 0.7 * scale) if seen[0] else 0.0
    last = float(height - outer + lower[0] - 0.7 * scale) if seen[1] else 0.0
    complete = abs(FILM * scale / height - 1) < 0.08
    if not complete and width < MANY * pitch:
        return None
    if complete:
        rim = (height - IMAGE * scale) / 2
        first, last = rim, height - rim
    elif not seen[0]:
        first = max(0.0, last - IMAGE * scale)
    elif not seen[1]:
        last = min(float(height), first + IMAGE * scale)
    if not 0.75 < (last - first) / (IMAGE * scale) < 1.15:
        return None
    return Sprockets(pitch, (first, last), all(seen), complete)
