"""Pieces of film on a picture: what differs from an even surround, light or black, and has four straight sides."""

from dataclasses import dataclass

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
STRAIGHT = 0.6  # share of a long side that is on its line
RIM = 1.04  # times a piece's size that its blurred rim is left out of the surround
BORDER = 4  # pixels
TILT = 0.28  # slope of a long side at most, about 15 degrees


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of film. quad: its corners on the reduced picture, the long sides along the travel. straight: 0…1, how
    well four lines bound it. cut: whether the picture's border cuts its upper, right, lower, left side."""

    quad: np.ndarray
    straight: float
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
    """The piece that a part of the mask is, whose upper left corner lies at (left, top); None if it has no two long
    straight sides."""
    upright = part.shape[0] > part.shape[1]
    if upright:
        piece = _lying(part.T, left, top, shape[::-1])
        if piece is None:
            return None
        # (x, y) become (y, x); the order of corners is turned so that they stay clockwise, the travel downwards.
        quad, cut = piece.quad[[3, 2, 1, 0], ::-1], piece.cut
        return Piece(quad, piece.straight, (cut[2], cut[1], cut[0], cut[3]))
    return _lying(part, top, left, shape)


def _lying(part: np.ndarray, top: int, left: int, shape: tuple[int, int]) -> Piece | None:
    height, width = part.shape
    if height < 12:
        return None
    seen = part.any(axis=0)
    x = np.flatnonzero(seen)
    over = part.argmax(axis=0)[seen]
    under = height - part[::-1].argmax(axis=0)[seen]
    middle = slice(int(0.03 * len(x)), max(int(0.97 * len(x)), 1))
    tolerance = max(1.5, STRAY * height)
    slope_over, offset_over, on_over = fitted_line(x[middle] + 0.5, over[middle].astype(float), tolerance)
    if on_over < STRAIGHT or abs(slope_over) > TILT:  # as of most that is no film; the other fit takes as long again
        return None
    slope_under, offset_under, on_under = fitted_line(x[middle] + 0.5, under[middle].astype(float), tolerance)
    if on_under < STRAIGHT or abs(slope_under) > TILT or abs(slope_over - slope_under) > 0.12:
        return None
    # The ends lie square to the long sides, where half of the piece's breadth is there.
    slope = (slope_over + slope_under) / 2
    profile = _profile(part, slope)
    breadth = max(1.0, (offset_under - offset_over) + (slope_under - slope_over) * width / 2)
    full = np.flatnonzero(profile >= 0.5 * breadth)
    if not full.size:
        return None
    ends = full[0], full[-1] + 1
    corners = []
    for end, line in (
        (0, (slope_over, offset_over)),
        (1, (slope_over, offset_over)),
        (1, (slope_under, offset_under)),
        (0, (slope_under, offset_under)),
    ):
        # x + slope · (y − middle) = end, y = a · x + b
        px = (ends[end] - slope * (line[1] - height / 2)) / (1 + slope * line[0])
        corners.append((px + left, line[0] * px + line[1] + top))
    quad = np.array(corners, float)
    inside = profile[ends[0] : ends[1]].sum() / max(area(quad), 1)
    straight = min(on_over, on_under) * min(1.0, inside)
    above, below = (over[middle] + top <= 1).mean() > 0.3, (under[middle] + top >= shape[0] - 1).mean() > 0.3
    cut = bool(above), bool(left + width >= shape[1] - 1), bool(below), bool(left <= 1)
    return Piece(quad, straight, cut)


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
