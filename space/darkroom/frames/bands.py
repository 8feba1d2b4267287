"""A piece of film laid straight: its brightness, what of it is no film, and what speaks for edges along it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .gaps import Edges, edges
from .geometry import straightened
from .pieces import Piece
from .sprockets import Sprockets, sprockets

BREADTH = 72  # pixels that a piece's breadth is given when it is laid straight
LONGEST = 6000  # pixels along it, at most
INNER = 0.12  # of the breadth, left out on either side where nothing tells the picture's rows


@dataclass(frozen=True, eq=False)
class Band:
    """piece: where it lies. values: (h, w) uint8, mean of the channels, 255 is the light. bare: (h, w) bool, light or
    holder; black: which of them. holes: its sprocket holes. rows: first and last of the picture area, as far as that is
    known."""

    piece: Piece
    values: np.ndarray
    bare: np.ndarray
    black: bool
    holes: Sprockets | None
    rows: tuple[float, float]

    @cached_property
    def edges(self) -> tuple[Edges, Edges]:
        """Those that gaps of unexposed film leave, and those that black ones do."""
        margin = 0.05 * (self.rows[1] - self.rows[0]) if self.holes else 0
        first = int(np.ceil(self.rows[0] + margin))
        inner = slice(first, max(int(self.rows[1] - margin), first + 2))
        by_light, by_dark = (edges(self.values[inner], self.bare[inner], dark) for dark in (False, True))
        return by_light, by_dark


def band_of(view: np.ndarray, light: np.ndarray, piece: Piece, level: float, black: bool) -> Band:
    """view: (h, w, 3) uint8, the reduced picture. light: (3,) its light. level: the share of the light at which film
    begins, as `pieces` has it; black: whether the surround is black."""
    height = int(np.clip(piece.breadth, 8, BREADTH))
    width = int(np.clip(round(height * piece.length / piece.breadth), 8, LONGEST))
    patch = np.minimum(straightened(view, piece.quad, width, height) / light, 1).astype(np.float32)
    weakest = patch.min(axis=-1)
    bare = patch.max(axis=-1) <= level if black else weakest >= level
    values = (patch.mean(axis=-1) * 255).astype(np.uint8)
    holes = sprockets(weakest)
    rows = holes.rows if holes else (INNER * height, (1 - INNER) * height)
    return Band(piece, values, bare, black, holes, rows)
