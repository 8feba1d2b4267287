"""Pieces of film on a picture: what differs from an even surround, light or black, and has four straight sides."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .geometry import area, fitted_line

LEVELS = (0.93, 0.88, 0.8, 0.7, 0.6, 0.5)  # of the light's value, in its weakest channel: darker is film
BLACKS = (0.06, 0.1, 0.16, 0.24, 0.34, 0.46)  # of the light's value, in its strongest channel: brighter is film
HOLE = 0.005  # share of the picture that a sprocket hole covers at most
SMALLEST = 0.004  # share of the picture that a piece covers at least
FULL = 0.99  # share of the picture that is no surround, from which there is none
MOST = 40  # pieces that are looked at, the largest
STRAY = 0.025  # of a piece's breadth, by which its long sides may stray from a line
SHOWN = 0.5  # share of a long side that is on its line; something may adjoin the rest
BAR = 0.8, 0.25  # share of the picture's side that a bar along it takes up at least, how broad it is at most
RIM = 1.04  # times a piece's size that its blurred rim is left out of the surround
BORDER = 4  # pixels
TILT = 0.28  # slope of a long side at most, about 15 degrees


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of film. quad: its corners on the reduced picture, the long sides along the travel. straight: 0…1, how
    well four lines bound it; unbroken: the same without counting where something adjoins it. cut: whether the picture's
    border cuts its upper, right, lower, left side."""

    quad: np.ndarray
    straight: float
    unbroken: float
    cut: tuple[bool, bool, bool, bool]

    @property
    def length(self) -> float:
        """Pixels, of the sides that run along the film."""
        return float(np.hypot(*(self.quad[[1, 2]] - self.quad[[0, 3]]).mean(axis=0)))

    @property
    def breadth(self) -> float:
        """Pixels, of the sides that run across it."""
        return float(np.hypot(*(self.quad[[3, 2]] - self.quad[[0, 1]]).mean(axis=0)))

    @property
    def size(self) -> float:
        """Pixels that it covers."""
        return area(self.quad)


class Side(NamedTuple):
    """A long side of what lies, of each of n columns. distance: (n,) to its first pixel, from above. slope, offset:
    y = slope · x + offset, its line. near: (n,) whether it is on the line; dented: whether it begins only beyond."""

    distance: np.ndarray
    slope: float
    offset: float
    near: np.ndarray
    dented: np.ndarray


def pieces_of(mask: np.ndarray) -> list[Piece]:
    """The pieces in a mask (h, w) bool of what is no surround, the largest first; none where nearly all of it is, or
    nearly nothing, as in most pictures of one frame."""
    if not SMALLEST < mask.mean() < FULL:
        return []
    gaps, count = ndimage.label(~mask)
    sizes = np.bincount(gaps.ravel(), minlength=count + 1)
    filled = mask | np.take(sizes < HOLE * mask.size, gaps)
    parts, count = ndimage.label(filled)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    large = np.flatnonzero(sizes >= SMALLEST * mask.size)  # few, of up to thousands
    found = []
    for part in large[np.argsort(-sizes[large], kind="stable")][:MOST]:
        here = parts == part
        rows, columns = (np.flatnonzero(here.any(axis=axis))[[0, -1]] for axis in (1, 0))
        inside = here[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
        piece = _piece(inside, int(rows[0]), int(columns[0]), mask.shape)
        if piece is not None:
            found.append(piece)
    return found


def without_bars(mask: np.ndarray) -> np.ndarray:
    """A mask, as `pieces_of` takes it, without what runs along the picture's border from one side to the other: the
    edge of a phone or of a table. What adjoins it comes apart."""
    mask = mask.copy()
    for lying in (mask, mask.T):
        for rows in (lying, lying[::-1]):
            share = rows.mean(axis=1)
            bar = int(np.argmax(share < BAR[0]))  # 0 where there is none
            beyond = share[bar : bar + round(0.05 * len(rows)) + 2]
            if 0 < bar <= BAR[1] * len(rows) and beyond.min() < 0.5:
                rows[: bar + 1] = False  # and its blurred edge
    return mask


def surround(pieces: list[Piece], mask: np.ndarray) -> tuple[float, float]:
    """The share of what lies around some pieces that is even surround, and the same along the picture's border. mask:
    as `pieces_of` takes it."""
    covered = Image.new("1", mask.shape[::-1])
    drawing = ImageDraw.Draw(covered)
    for piece in pieces:
        middle = piece.quad.mean(axis=0)
        drawing.polygon([tuple(corner) for corner in (middle + RIM * (piece.quad - middle)).tolist()], fill=1)
    around = ~np.asarray(covered)
    border = around.copy()
    border[BORDER:-BORDER, BORDER:-BORDER] = False
    shares = [1 - float(mask[part].mean()) if part.any() else 0.0 for part in (around, border)]
    return shares[0], shares[1]


def _piece(part: np.ndarray, top: int, left: int, shape: tuple[int, int]) -> Piece | None:
    """The piece that a part of the mask is, whose upper left corner lies at (left, top), along its longer side or, if
    something adjoins it that reaches far, its shorter one; None if it has no two long straight sides."""
    upright = part.shape[0] > part.shape[1]
    for turned in (upright, not upright):
        piece = _lying(part.T, left, top, shape[::-1]) if turned else _lying(part, top, left, shape)
        if piece is None or (turned != upright and piece.length < piece.breadth):
            continue
        if not turned:
            return piece
        # (x, y) become (y, x); the order of corners is turned so that they stay clockwise, the travel downwards.
        quad, cut = piece.quad[[3, 2, 1, 0], ::-1], piece.cut
        return Piece(quad, piece.straight, piece.unbroken, (cut[2], cut[1], cut[0], cut[3]))
    return None


def _lying(part: np.ndarray, top: int, left: int, shape: tuple[int, int]) -> Piece | None:
    """What adjoins the film, such as a finger, makes the part larger than the piece: a side may be hidden by it."""
    height, width = part.shape
    tolerance = max(1.5, STRAY * height)
    over = _side(part, tolerance) if height >= 12 else None
    under = _side(part[::-1], tolerance) if over else None  # as of most that is no film; the other takes as long again
    if over is None or under is None:
        return None
    under = Side(height - under.distance, -under.slope, height - under.offset, under.near, under.dented)
    slope = (over.slope + under.slope) / 2
    breadth = (under.offset - over.offset) + (under.slope - over.slope) * width / 2
    if abs(over.slope - under.slope) > 0.12 or breadth < 12:
        return None
    row, column = np.ogrid[:height, :width]
    film = part & (row + 1 > over.slope * column + over.offset - tolerance)
    film &= row < under.slope * column + under.offset + tolerance
    # The ends lie square to the long sides, where half of the piece's breadth is there.
    profile = _profile(film, slope)
    full = np.flatnonzero(profile >= 0.5 * breadth)
    if not full.size:
        return None
    ends = int(full[0]), int(full[-1]) + 1
    corners = []
    for end, side in ((ends[0], over), (ends[1], over), (ends[1], under), (ends[0], under)):
        # x + slope · (y − middle) = end, y = a · x + b
        px = (end - slope * (side.offset - height / 2)) / (1 + slope * side.slope)
        corners.append((px + left, side.slope * px + side.offset + top))
    quad = np.array(corners, float)
    inside = min(1.0, profile[ends[0] : ends[1]].sum() / max(area(quad), 1))
    margin = round(0.03 * (ends[1] - ends[0]))
    within = slice(max(0, ends[0] + margin), ends[1] - margin)
    shown = [float(side.near[within].mean()) if side.near[within].size else 0.0 for side in (over, under)]
    if min(shown) < SHOWN:
        return None
    dented = [float(side.dented[within].mean()) for side in (over, under)]
    unbroken = min(share / (share + dents) for share, dents in zip(shown, dented, strict=True))
    at_border = over.distance + top <= 1, under.distance + top >= shape[0] - 1
    above, below = (
        bool((border & side.near)[within].mean() > 0.3 * share)
        for border, side, share in zip(at_border, (over, under), shown, strict=True)
    )
    first, last = (film[:, columns].any(axis=1).sum() > 0.3 * breadth for columns in (slice(0, 2), slice(-2, None)))
    cut = above, bool(last and left + width >= shape[1] - 1), below, bool(first and left <= 1)
    return Piece(quad, min(shown) * inside, unbroken * inside, cut)


def _side(part: np.ndarray, tolerance: float) -> Side | None:
    """The upper side of a part that lies; None if no line is seen along it."""
    height, width = part.shape
    seen = part.any(axis=0)
    distance = np.where(seen, part.argmax(axis=0), height).astype(float)
    x = np.flatnonzero(seen)[int(0.03 * seen.sum()) : max(int(0.97 * seen.sum()), 1)]
    slope, offset = fitted_line(x + 0.5, distance[x], tolerance)
    above = slope * (np.arange(width) + 0.5) + offset - distance
    near = seen & (np.abs(above) <= tolerance)
    if near[x].mean() < SHOWN or abs(slope) > TILT:
        return None
    return Side(distance, slope, offset, near, above < -tolerance)


def _profile(part: np.ndarray, slope: float) -> np.ndarray:
    """(n,) how many of a part's pixels lie at each place along film of that slope, from the part's left end on."""
    height, width = part.shape
    moved = np.rint(slope * (np.arange(height) + 0.5 - height / 2)).astype(int)  # along the film, of each row
    most = int(np.abs(moved).max())
    profile = np.zeros(width + 2 * most, int)
    first = np.flatnonzero(np.diff(moved, prepend=moved[0] - 1))  # rows that move alike lie together
    for start, stop in zip(first, [*first[1:], height], strict=True):
        at = most + moved[start]
        profile[at : at + width] += part[start:stop].sum(axis=0)
    return profile[most:]
