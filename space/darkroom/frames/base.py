"""The film base of a strip, from the rebate and the gaps between its frames."""

import numpy as np
from scipy.ndimage import binary_erosion

from ..files.light import CODED_GAMMA
from ..film.base import Base
from ..film.inversion import log_density
from .gaps import BASE
from .geometry import straightened
from .strips import Strip, picture_rows

LEAST, ENOUGH = 40, 400  # pixels of unexposed film without which there is no answer, and with which it is sure
RIM = 4  # times the margin that is left out of a picture on each side, since its edge may lie off
UNEVEN = 0.2  # D between the quarters of its pixels at which it is not sure at all


def base_of(strip: Strip, view: np.ndarray, light: np.ndarray | None) -> Base | None:
    """The base of all frames of a strip: the median of its unexposed film. view: (h, w, 3) uint8 0…255, the reduced
    picture, coded. light: (3,) what the bare light around the film has there, None where it is not seen. None where no
    unexposed film is seen, or black gaps tell that this is no negative."""
    band = strip.band
    if strip.gaps is None or strip.chain is None or strip.gaps is band.edges[1]:
        return None
    height, width = band.values.shape
    first, last = picture_rows(band, strip.chain, strip.gaps)
    outside, inside = np.ones((height, width), bool), np.zeros((height, width), bool)
    margin = max(1, round(0.012 * height))
    for start, stop in strip.chain.spans:
        outside[_area(first, last, start, stop, margin)] = False
        inside[_area(first, last, start, stop, -RIM * margin)] = True
    film = binary_erosion(~band.bare, iterations=margin + 1)
    unexposed = outside & film & (np.abs(band.values - strip.gaps.base) < BASE * 255)
    pictures = inside & film
    count = int(unexposed.sum())
    if count < LEAST or not pictures.any():
        return None
    patch = straightened(view, band.piece.quad, width, height).astype(np.float32) / 255
    low, base, high = np.percentile(_density(patch[unexposed]), (25, 50, 75), axis=0)
    sure = min(1.0, count / ENOUGH) * max(0.0, 1 - float((high - low).max()) / UNEVEN)
    middle, densest = np.maximum(np.percentile(_density(patch[pictures]), (50, 99.5), axis=0) - base, 0)
    seen = None if light is None else _density(light.astype(np.float32) / 255)
    return Base(base, seen, sure, middle, densest)


def _area(first: float, last: float, start: float, stop: float, more: int) -> tuple[slice, slice]:
    """The rows and columns of a frame, and so many pixels more on each side."""
    rows = slice(max(0, int(first) - more), max(0, int(np.ceil(last)) + more))
    return rows, slice(max(0, int(start) - more), max(0, int(np.ceil(stop)) + more))


def _density(values: np.ndarray) -> np.ndarray:
    return log_density(values) * CODED_GAMMA
