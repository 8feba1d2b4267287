"""The holder around the film, also where it is as pale as a highlight.

Card or plastic is black only in a dark room: with light falling on it, or flare, it comes out grey, and would pass for
film that is opaque. But it lies along a side of the picture, is even, lacks the mask's colour, and ends in a straight
line. Opaque film has no such edge.
"""

from itertools import combinations

import numpy as np
from scipy.ndimage import uniform_filter

from ..files.light import CODED_GAMMA
from .inversion import LN_10, log_density

SOFT = 5  # pixels over which noise is averaged
RIM = 4  # pixels of the picture's border that tell what lies along a side
EVEN = 0.1  # of the range of values: how far a holder may differ from its usual value
MASKLESS = 0.1  # D; blue minus red density this far below that of the frame's middle: the orange mask is missing
UNLIKE = 0.6  # D; that, and by how much red density is above that of the frame's middle, together
DEEPEST = 0.3  # of the picture's height or width that a holder covers from one side; opaque film may cover more
STRAIGHT = 0.006  # of the picture's long side, by which its edge may stray from a line
MOST = 0.5  # share of a side's length that must be so; at its ends other sides may lie, or opaque film touch it
TILT = 0.1  # slope of that line, about six degrees
POINTS = 9  # places along a side through two of which the line is drawn


def holder(density: np.ndarray) -> np.ndarray:
    """(h, w) bool: where a holder covers the film along a side of the picture. density: (h, w, 3), as `film.Film` has
    it. A picture too small to tell has none."""
    height, width = density.shape[:2]
    found = np.zeros((height, width), bool)
    if min(height, width) < 8 * RIM:
        return found
    planes = np.moveaxis(density, -1, 0)
    sides = [np.rot90(planes, turns, (1, 2)) for turns in range(4)]
    even = [turns for turns in range(4) if _even_rim(sides[turns]) is not None]
    if not even:  # as in most pictures, and the rest takes longer
        return found
    rows, columns = height // 4, width // 4
    middle = np.median(_seen(planes[:, rows:-rows, columns:-columns]).reshape(3, -1), axis=1)
    for turns in even:
        side = np.rot90(found, turns)  # a view: what is marked in it is marked in `found`
        side |= _along_the_top(sides[turns], middle)
    return found


def _seen(planes: np.ndarray) -> np.ndarray:
    """Density (3, h, w) as coded values, as the eye sees it, without noise."""
    return uniform_filter(np.exp(planes * (-LN_10 / CODED_GAMMA)), SOFT, axes=(1, 2))


def _even_rim(planes: np.ndarray) -> np.ndarray | None:
    """(3,) the usual coded values along the upper side of densities (3, h, w); None if most of it differs from them."""
    rim = _seen(planes[:, : RIM + SOFT])[:, :RIM].reshape(3, -1)
    usual = np.median(rim, axis=1)
    return usual if (np.abs(rim - usual[:, None]).max(axis=0) < EVEN).mean() >= MOST else None


def _along_the_top(planes: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(h, w) bool: the holder along the upper side of densities (3, h, w). middle: (3,), values of the frame's
    middle."""
    _, height, width = planes.shape
    none = np.zeros((height, width), bool)
    usual = _even_rim(planes)
    if usual is None:
        return none
    more = CODED_GAMMA * (log_density(usual) - log_density(middle))
    lost = more[0] - more[2]  # of the mask
    if more[0] < 0 or lost < MASKLESS or more[0] + lost < UNLIKE:  # lighter than the film, or with its mask, or film
        return none
    deepest, stray = int(DEEPEST * height), STRAIGHT * max(height, width)
    same = np.abs(_seen(planes[:, : deepest + SOFT])[:, :deepest] - usual[:, None, None]).max(axis=0) < EVEN
    depth = np.where(same.all(axis=0), deepest, np.argmin(same, axis=0))
    edge, most = None, MOST
    for a, b in combinations(np.linspace(0.1 * width, 0.9 * width, POINTS).astype(int), 2):
        slope = (depth[b] - depth[a]) / (b - a)
        line = depth[a] + slope * (np.arange(width) - a)
        share = (np.abs(depth - line) <= stray).mean()
        if share > most and abs(slope) < TILT and line.max() < deepest:
            edge, most = line, share
    return none if edge is None else np.arange(height)[:, None] < edge + stray
