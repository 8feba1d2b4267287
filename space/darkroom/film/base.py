"""The film base: unexposed, developed film, from which a darkroom counts density. Rebate and gaps show it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..files.light import CODED_GAMMA
from .film import Film
from .inversion import Grade

SURE = 0.4  # how sure a base must be to be used
RIM = 20  # a part of the frame on each side that may be the rebate itself


@dataclass(frozen=True, eq=False)
class Base:
    """density: (3,) D as the file codes it (`film.Film.density`: −2.2 · log10 of the coded value). light: (3,) the same
    of the bare light around the film, where it is seen, so that density − light is the base's own; else None. sure:
    0…1, by how much film it was measured on and how even that is. middle, densest: (3,) D over the base of the median
    and the 99.5 % point of all pictures on the film.
    """

    density: np.ndarray
    light: np.ndarray | None
    sure: float
    middle: np.ndarray
    densest: np.ndarray

    @property
    def usable(self) -> bool:
        """Whether it is sure enough."""
        return self.sure >= SURE

    @property
    def grade(self) -> Grade:
        """What a density print needs of it."""
        above = (0, self.middle, self.densest)
        return Grade(*(10 ** (-(self.density + each) / CODED_GAMMA) for each in above))


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


def grade_of(base: Base | None) -> Grade | None:
    """How the film is printed; None where its base was not seen well enough."""
    return base.grade if base and base.usable else None


def of_roll(base: Base, others: Sequence[Base | None]) -> Base:
    """A strip's base with the pictures of all its roll, others, the strip's own among them: one roll has one colour."""
    roll = list({id(each): each for each in others if each and each.usable}.values()) or [base]
    middle, densest = (np.median([getattr(each, name) for each in roll], axis=0) for name in ("middle", "densest"))
    return replace(base, middle=middle, densest=densest)


def above_base(film: Film) -> AboveBase | None:
    """Measured on a scan's film; None where the base was not seen well enough."""
    base = film.scan.base
    if base is None or not base.usable:
        return None
    height, width = film.inside.shape
    middle = slice(height // RIM, height - height // RIM), slice(width // RIM, width - width // RIM)
    values = film.density[middle][film.inside[middle]].T  # (3, n)
    if not values.size:
        return None
    thinnest, densest = (np.percentile(values, (1, 99), axis=1) - base.density).mean(axis=1)
    fog = None if base.light is None else tuple(float(v) for v in base.density - base.light)
    return AboveBase(fog, float(thinnest), float(densest))
