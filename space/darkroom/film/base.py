"""The film base: unexposed, developed film, from which a darkroom counts density. Rebate and gaps show it."""

from dataclasses import dataclass

import numpy as np

from ..files.light import CODED_GAMMA
from .film import Film

SURE = 0.4  # how sure a base must be to be used
RIM = 20  # a part of the frame on each side that may be the rebate itself


@dataclass(frozen=True, eq=False)
class Base:
    """density: (3,) D as the file codes it (`film.Film.density`: −2.2 · log10 of the coded value). light: (3,) the same
    of the bare light around the film, where it is seen, so that density − light is the base's own; else None. sure:
    0…1, by how much film it was measured on and how even that is.
    """

    density: np.ndarray
    light: np.ndarray | None
    sure: float


@dataclass(frozen=True)
class AboveBase:
    """What a frame's density is over that of its film's base.

    fog: D of base and fog themselves, red, green and blue, None where no bare light is seen beside the film. thinnest,
    densest: D above base of the 1 % and 99 % points of the frame's middle, means of the channels.
    """

    fog: tuple[float, ...] | None
    thinnest: float
    densest: float

    def lines(self) -> list[tuple[str, str, bool]]:
        """As `Evidence.lines`."""
        lines = [("Density above film base", f"{self.thinnest:.2f} to {self.densest:.2f} D", True)]
        if self.fog:
            values = " ".join(f"{value:.2f}" for value in self.fog)
            lines.append(("Film base and fog", f"{values} D in red, green, blue", True))
        return lines


def base_values(base: Base | None) -> np.ndarray | None:
    """(3,) the coded values of a base; None where it was not seen well enough."""
    return None if base is None or base.sure < SURE else 10 ** (-base.density / CODED_GAMMA)


def above_base(film: Film) -> AboveBase | None:
    """Measured on a scan's film; None where the base was not seen well enough."""
    base = film.scan.base
    if base is None or base.sure < SURE:
        return None
    height, width = film.inside.shape
    middle = slice(height // RIM, height - height // RIM), slice(width // RIM, width - width // RIM)
    values = film.density[middle][film.inside[middle]].T  # (3, n)
    if not values.size:
        return None
    thinnest, densest = (np.percentile(values, (1, 99), axis=1) - base.density).mean(axis=1)
    fog = None if base.light is None else tuple(float(v) for v in base.density - base.light)
    return AboveBase(fog, float(thinnest), float(densest))
