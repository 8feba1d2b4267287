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
    outside = np.ones((height, width), bool)
    margin = max(1, round(0.012 * height))
    for start, stop in strip.chain.spans:
        rows = slice(max(0, int(first) - margin), int(np.ceil(last)) + margin)
        outside[rows, max(0, int(start) - margin) : max(0, int(np.ceil(stop)) + margin)] = False
    film = binary_erosion(~band.bare, iterations=margin + 1)
    clear = np.abs(band.values - strip.gaps.base) < BASE * 255
    unexposed = outside & film & clear
    count = int(unexposed.sum())
    if count < LEAST:
        return None
    patch = straightened(view, band.piece.quad, width, height)[unexposed].astype(np.float32) / 255
    density = log_density(patch) * CODED_GAMMA
    low, median, high = np.percentile(density, (25, 50, 75), axis=0)
    sure = min(1.0, count / ENOUGH) * max(0.0, 1 - float((high - low).max()) / UNEVEN)
    seen = None if light is None else (log_density(light.astype(np.float32) / 255) * CODED_GAMMA)
    return Base(median, seen, sure)
