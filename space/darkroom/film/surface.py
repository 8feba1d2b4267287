"""Dust, scratches and holes, as infrared shows them.

The dyes of colour film let infrared through, dust stops it and scratches scatter it (Edgar, "System and method for
image recovery", US patent 5,266,805, 1993, the ground of Digital ICE): what is dark in infrared against its
surroundings lies on the film or is scratched into it. Where there is no film, the light that its two faces throw back,
4 % each at a refractive index of 1.5 (Fresnel), gets through as well: brighter by 0.035 D.

Silver (black-and-white film) and the dyes of Kodachrome stop infrared as they stop light: nothing is reported for them.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, label, maximum_filter, median_filter

from ..files.infrared import DARKEST
from ..files.light import CODED_GAMMA
from .film import Film, resized
from .inversion import log_density

DUST, HOLE = 1, 2  # in a map
NOISE = 6.0  # standard deviations of the frame's own noise from which something is no noise
LEAST_DUST, LEAST_HOLE = 0.012, 0.025  # D that it differs at least: 3 % less light, 6 % more
SOFT = 3.0  # pixels; what of the picture there is in infrared is out of focus
PICTURE = 0.3  # D in infrared for one of the picture: more than dyes leave there
BLOCK, AROUND = 12, 7  # pixels a side of the blocks of which the surroundings are made, and how many blocks they are
NEAR = 7  # pixels a side
FEW = 200_000  # pixels that tell how much of the picture there is in infrared
USUAL_DUST, USUAL_HOLES = 0.005, 0.0001  # shares of a frame that are reported; chosen, not measured


@dataclass(frozen=True)
class Surface:
    """Shares of the frame, 0…1. dust: dust, hairs and scratches; holes: bare light."""

    dust: float
    holes: float

    def lines(self) -> list[tuple[str, str, bool]]:
        """As `Evidence.lines`."""
        return [
            ("Dust and scratches in infrared", f"{self.dust:.1%} of the frame", self.dust < USUAL_DUST),
            ("Holes in infrared", f"{self.holes:.2%} of the frame", self.holes < USUAL_HOLES),
        ]

    @property
    def sentence(self) -> str:
        """A sentence where there is more than usual, or an empty text."""
        said = []
        if self.dust >= USUAL_DUST:
            said.append(
                f"In infrared, dust and scratches cover {self.dust:.1%} of the frame: clean the film and scan it again."
            )
        if self.holes >= USUAL_HOLES:
            said.append(f"In infrared, light comes through {self.holes:.2%} of the frame as through holes.")
        return " ".join(said)


def surface(film: Film) -> Surface | None:
    """The shares of what lies on the film; None without infrared."""
    marks = surface_map(film)
    if marks is None:
        return None
    count = max(int(_inside(film).sum()), 1)
    return Surface(*(int((marks == kind).sum()) / count for kind in (DUST, HOLE)))


def surface_map(film: Film) -> np.ndarray | None:
    """(h, w) uint8 of `scan.small`: `DUST` (scratches too), `HOLE` or 0. None without infrared, and where the infrared
    holds the picture itself."""
    infrared = film.scan.infrared
    if infrared is None:
        return None
    inside = _inside(film)
    density = -np.log10(np.maximum(infrared, DARKEST))
    if not inside.any() or (rest := _without_picture(density, film, inside)) is None:
        return None
    rest[~inside] = np.median(rest[inside])
    rest -= _surroundings(rest)
    noise = 1.4826 * float(np.median(np.abs(rest[inside])))  # the deviation of normal noise with this median
    marks = np.zeros(rest.shape, np.uint8)
    marks[_reaching(rest, max(NOISE * noise, LEAST_DUST)) & inside] = DUST
    marks[_reaching(-rest, max(NOISE * noise, LEAST_HOLE)) & inside] = HOLE
    return marks


def _inside(film: Film) -> np.ndarray:
    """(h, w) bool: what is film and was seen in infrared; nothing where there is none."""
    seen = film.scan.infrared_seen
    if seen is None:
        return np.zeros(film.inside.shape, bool)
    return (resized(film.inside.astype(np.float32), seen.shape[1], seen.shape[0]) > 0.99) & seen


def _without_picture(density: np.ndarray, film: Film, inside: np.ndarray) -> np.ndarray | None:
    """The infrared's density less what of the picture is in it, a part of each layer's; None where that is much."""
    every = max(1, int(inside.sum()) // FEW)
    layers = [_layer(film, c) for c in range(3)]
    known = np.stack([layer[inside][::every] for layer in layers], axis=1).astype(np.float64)
    middle = known.mean(axis=0)
    wanted = density[inside][::every].astype(np.float64)
    parts = np.linalg.lstsq(known - middle, wanted - wanted.mean(), rcond=None)[0]
    spread = float(known.mean(axis=1).std())
    if float(((known - middle) @ parts).std()) > PICTURE * max(spread, 0.05):
        return None
    rest = density.copy()
    for layer, part in zip(layers, parts, strict=True):
        rest -= np.float32(part) * layer
    return rest


def _layer(film: Film, channel: int) -> np.ndarray:
    plane = np.ascontiguousarray(film.scan.small[..., channel])
    return gaussian_filter(log_density(plane, film.scan.darkest) * np.float32(CODED_GAMMA), SOFT)


def _surroundings(plane: np.ndarray) -> np.ndarray:
    """The median of what is around each pixel, from those of blocks: small things do not move it."""
    height, width = plane.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    whole = np.pad(plane, [(0, rows * BLOCK - height), (0, columns * BLOCK - width)], mode="symmetric")
    blocks = whole.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    medians = median_filter(np.median(blocks, axis=-1), AROUND, mode="nearest")
    smooth = Image.fromarray(medians).resize((columns * BLOCK, rows * BLOCK), Image.Resampling.BICUBIC)
    return np.asarray(smooth)[:height, :width]


def _reaching(plane: np.ndarray, height: float) -> np.ndarray:
    """(h, w) bool: what is over half of `height` and connected to what is over all of it, up to where it has fallen to
    half of the highest near by, which is where a blurred edge lies."""
    parts, count = label(plane > height / 2, np.ones((3, 3)))
    high = np.zeros(count + 1, bool)
    high[parts[plane > height]] = True
    high[0] = False
    return high[parts] & (plane >= maximum_filter(plane, NEAR) / 2)
