"""The frames of strips as polygons on the picture, in reading order."""

import numpy as np

from .base import base_of
from .frame import UNKNOWN, Frame, named
from .geometry import taken_back
from .strips import SEEN, Strip, picture_rows

ROLL = 0.86, 0.97  # of the breadth of film without holes that its pictures have where it is roll film: 56 of 61.5 mm


def frames_of(strips: list[Strip], view: np.ndarray, light: np.ndarray) -> list[Frame]:
    """The frames in reading order. view: (h, w, 3) uint8, the reduced picture. light: (3,) its light."""
    height, width = view.shape[:2]
    frames = []
    for number, strip in enumerate(_in_order(strips)):
        ahead = strip.band.piece.quad[1] - strip.band.piece.quad[0]
        travel = float(np.degrees(np.arctan2(ahead[1], ahead[0])))
        bare = light if strip.band.bare.any() and not strip.band.black else None
        base = base_of(strip, view, bare)
        for polygon, confidence, kind in _cut(strip):
            first = int(np.argmin(polygon.sum(axis=1)))  # the upper left corner
            corners = np.roll(polygon, -first, axis=0) / (width, height)
            frames.append(Frame(corners, confidence, kind, travel, number, base))
    return frames


def _in_order(strips: list[Strip]) -> list[Strip]:
    """Strips row by row; upright ones column by column. What lies less than half a strip's breadth apart is one row."""
    upright = sum((1 if _upright(strip) else -1) * strip.frames for strip in strips if strip.frames > 1) > 0
    across, along = (0, 1) if upright else (1, 0)
    middles = {id(strip): strip.band.piece.quad.mean(axis=0) for strip in strips}
    rest = sorted(strips, key=lambda strip: middles[id(strip)][across])
    ordered: list[Strip] = []
    row: list[Strip] = []
    for strip in rest:
        if row and middles[id(strip)][across] - middles[id(row[0])][across] > strip.band.piece.breadth / 2:
            ordered += sorted(row, key=lambda s: middles[id(s)][along])
            row = []
        row.append(strip)
    return ordered + sorted(row, key=lambda s: middles[id(s)][along])


def _upright(strip: Strip) -> bool:
    ahead = strip.band.piece.quad[1] - strip.band.piece.quad[0]
    return abs(ahead[1]) > abs(ahead[0])


def _cut(strip: Strip) -> list[tuple[np.ndarray, float, str]]:
    """Polygon, confidence and format of each frame of a strip, from the left; what is cut too much is left out."""
    band = strip.band
    height, width = band.values.shape
    first, last = picture_rows(band, strip.chain, strip.gaps)
    if strip.chain is None:
        kind = named(width / height, None)
        kind = named(height / width, None) if kind == UNKNOWN else kind  # a lone frame may lie across
        return [(_polygon(strip, 0, width, first, last), 0.6 * band.piece.straight, kind)]
    roll = ROLL[0] < (last - first) / height < ROLL[1]
    kind = named(strip.chain.length / (last - first), True if band.holes else False if roll else None)
    found = []
    for (start, stop), sides in zip(strip.chain.spans, strip.chain.sides, strict=True):
        left, right = max(0.0, start), min(float(width), stop)
        seen = (right - left) / (stop - start)
        by_picture = band.piece.cut[3] if start < 0 else band.piece.cut[1]
        if seen > SEEN[0 if by_picture else 1]:
            confidence = seen * (0.6 + 0.4 * float(sides.mean()) if band.holes else 0.3 + 0.6 * float(sides.mean()))
            found.append((_polygon(strip, left, right, first, last), confidence, kind))
    return found


def _polygon(strip: Strip, left: float, right: float, first: float, last: float) -> np.ndarray:
    height, width = strip.band.values.shape
    corners = np.array([(left, first), (right, first), (right, last), (left, last)], float) / (width, height)
    return taken_back(corners, strip.band.piece.quad)
