"""The film in a scan: its density, what of the picture is film, and what the network sees of it.

film = Film(open_scan("frame.tif"))
x = network_input(film, size=672)
"""

from functools import cached_property

import numpy as np
from PIL import Image
from scipy import ndimage

from ..files.light import CODED_GAMMA
from .holder import holder
from .inversion import DARKEST, LEAST_SPAN, log_density
from .percentiles import percentiles
from .scan import Scan

SIDE = 512  # pixels on the long side that the film is measured at
BLACK = 3.0  # D; denser than any film: a holder, or nothing
CELL = 32  # pixels a side of the network's input that one cell of its maps stands for
UNLIKE = 2.5  # times that a layer's span may be made larger or smaller
STEP = 0.02  # D; a layer that spans less counts as this
SPANS_IN_RANGE = 1.6  # spans either side of the median at which the network's input reaches 76 % of its range


class Film:
    """A scan reduced to `SIDE`: density (h, w, 3); inside (h, w) bool, without holder and light around the film; holder
    (h, w) bool, what of that lies along a side, black or grey. scan: what it was made from."""

    def __init__(self, scan: Scan):
        self.scan = scan
        height, width = scan.small.shape[:2]
        scale = min(1.0, SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        planes = [Image.fromarray(np.ascontiguousarray(scan.small[..., c])) for c in range(3)]
        reduced = [np.asarray(plane.resize(size, Image.Resampling.BOX, reducing_gap=3.0)) for plane in planes]
        self.rgb = np.stack(reduced).transpose(1, 2, 0)  # (h, w, 3), kept plane by plane
        self.density = log_density(self.rgb, scan.darkest) * CODED_GAMMA
        self.holder = holder(self.density)
        around = self._around()
        if around.mean() >= 0.9:  # that would leave no film
            self.holder = around = np.zeros_like(around)
        self.inside = ~around

    def _around(self) -> np.ndarray:
        """(h, w) bool: holder, sprocket holes and bare light: that lies along a side, or is black or white and reaches
        the border."""
        black = self.density.min(axis=-1) > BLACK
        white = self.density.max(axis=-1) < 0.25
        around = self.holder.copy()
        for mask in (black, white):
            around |= from_border(mask)
        return ndimage.binary_dilation(around, iterations=3) if around.any() else around  # its blurred rim too

    @cached_property
    def values(self) -> np.ndarray:
        """(3, n): the density of what is film."""
        return chosen(self.density.transpose(2, 0, 1), self.inside)

    @cached_property
    def span(self) -> float:
        """D between the 5 % and 95 % points of the film, mean of the channels."""
        low, high = percentiles(self.values, (5, 95))
        return float((high - low).mean())

    @cached_property
    def turns(self) -> int:
        """Quarters to the left by which the network is shown it: its long side across, its denser half above. However a
        scan is turned, the network then sees the same."""
        height, width = self.scan.small.shape[:2]
        grey = np.minimum(self.density.mean(axis=-1), BLACK)
        grey = np.where(self.inside, grey - grey[self.inside].mean(), 0)
        above, left = (float(half.mean()) for half in (grey[: len(grey) // 2], grey[:, : grey.shape[1] // 2]))
        # A square lies as if its halves that differ most were above one another.
        upright = height > width or (height == width and abs(left) > abs(above))
        if upright:
            return 3 if left >= 0 else 1
        return 0 if above >= 0 else 2

    @cached_property
    def mask_loss(self) -> np.ndarray:
        """(h, w): how far blue minus red density lies from the frame's median; negative where the mask is gone."""
        yellow = self.density[..., 2] - self.density[..., 0]
        return yellow - np.median(yellow[self.inside])


def from_border(mask: np.ndarray) -> np.ndarray:
    """The part of a mask (h, w) bool that is connected to the border, by sides of pixels; in time that grows with the
    area alone, however the mask winds."""
    if not mask.any():
        return mask
    part, count = ndimage.label(mask)
    reached = np.zeros(count + 1, bool)
    for side in (part[0], part[-1], part[:, 0], part[:, -1]):
        reached[side] = True
    reached[0] = False
    return reached[part]


def input_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of the network's input for a picture: in proportion, `size` pixels long, in whole cells."""
    scale = size / max(height, width) / CELL
    return max(1, round(height * scale)) * CELL, max(1, round(width * scale)) * CELL


def network_input(film: Film, size: int) -> np.ndarray:
    """The negative as the network sees it, for training, scoring and the page alike: (3, h, w) uint8, in the shape that
    `input_shape` gives, turned by `film.turns`.

    The picture is taken to density. There a change of light, mask colour or exposure is an
    offset a layer, and a change of the file's gamma, or of how much of a dye the camera sees, a factor: both are taken
    out (median and 10–90 % span of each layer, of what is film). tanh keeps what lies far outside, holes below and
    opaque areas above, in range. A holder is made black, so that a grey one does not look like opaque film.
    """
    scan = film.scan
    height, width = input_shape(scan.small.shape[0], scan.small.shape[1], size)
    planes = [np.ascontiguousarray(scan.small[..., c], dtype=np.float32) for c in range(3)]
    density = log_density(np.stack([resized(plane, width, height) for plane in planes]), scan.darkest)
    if film.holder.any():
        density[:, resized(film.holder.astype(np.float32), width, height) > 0.5] = -np.log10(DARKEST)
    values = density.reshape(3, -1)
    if not film.inside.all():
        inside = resized(film.inside.astype(np.float32), width, height) > 0.99
        values = chosen(density, inside) if inside.any() else values
    low, median, high = percentiles(values, (10, 50, 90)).astype(np.float32)
    span = max(float((high - low).mean()), LEAST_SPAN)
    density -= median[:, None, None]  # in place from here on: a new array a step takes longer than the step
    density *= alike(high - low)[:, None, None]
    density /= SPANS_IN_RANGE * span
    np.tanh(density, out=density)
    density *= 127.5
    density += 127.5
    seen = np.rint(density, out=density).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(seen, film.turns, (1, 2)))


def chosen(planes: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(3, n): planes (3, h, w) where a mask (h, w) says; `planes[:, where]`, which takes ten times as long."""
    return np.stack([plane[where] for plane in planes])


def alike(spans: np.ndarray) -> np.ndarray:
    """(3,): factors by which layers whose densities span `spans` (3,) come to span the same: else one that spans more
    than another would show every grey edge as a colour."""
    spans = np.maximum(spans, STEP)
    return np.clip(spans.mean() / spans, 1 / UNLIKE, UNLIKE)


def resized(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """(h, w) float32 made (height, width)."""
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0))
