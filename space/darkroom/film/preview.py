"""Pictures for the screen: reduced, inverted, turned, with the damage marked. The full size is `export`'s business.

A preview is inverted after reducing, which takes a fiftieth of the time; a verdict never depends on it.
"""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter

from .base import Base, grade_of
from .inversion import invert
from .scan import Scan, unit
from .surface import DUST, HOLE

SIDE = 1200  # pixels on the long side: sharp on a laptop, a quarter of a megabyte as JPEG
THUMBNAIL = 354  # 30 mm at 300 dpi, what a frame has on a contact sheet
MARK = np.array([255, 64, 24], np.float32)  # the colour of damage; a photograph rarely has it
SPOTS = {DUST: (0, 200, 255), HOLE: (255, 225, 0)}  # colours of what infrared shows
SPOT = 3  # pixels a side that a speck has at least
MARK_FROM, MARK_FULL, MARK_COVER = (
    0.15,
    0.70,
    0.72,
)  # heat where the mark begins, where it is fullest, how much it hides


def reduce(scan: Scan, side: int = SIDE) -> np.ndarray:
    """The negative with at most `side` pixels on its long side, (h, w, 3) uint16: deep scans keep their tones."""
    height, width = scan.small_pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scan.as_coded:
        picture = Image.fromarray(np.ascontiguousarray(scan.small_pixels))
        small = np.asarray(picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0))
        return small.astype(np.uint16) * 257
    planes = [Image.fromarray(np.ascontiguousarray(scan.small[..., c])) for c in range(3)]
    small = np.stack([np.asarray(p.resize(size, Image.Resampling.BOX, reducing_gap=2.0)) for p in planes], axis=-1)
    return np.rint(small.clip(0, 1) * 65535).astype(np.uint16)


def negative_view(negative: np.ndarray) -> np.ndarray:
    """A reduced negative (h, w, 3) uint16 as uint8."""
    return (negative >> 8).astype(np.uint8)


def positive_view(negative: np.ndarray, method: str = "cvt2pos", base: Base | None = None) -> np.ndarray:
    """The positive of a reduced negative (h, w, 3) uint16, as uint8; method: as for `inversion.invert`."""
    positive = invert(unit(negative), method, grade_of(base))
    positive *= 255
    return np.rint(positive, out=positive).astype(np.uint8)


def dress(picture: np.ndarray, heat: np.ndarray | None = None, turns: int = 0) -> np.ndarray:
    """A picture (h, w, 3) uint8 with its damage marked, if `heat` is given, and turned by quarters to the left."""
    return np.rot90(picture if heat is None else mark(picture, heat), turns)


def mark(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay `heat` (rows, columns) in 0…1 over a picture (h, w, 3) uint8, whose own colours step back a little."""
    height, width = picture.shape[:2]
    cells = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    cover = (np.clip((cells - MARK_FROM) / (MARK_FULL - MARK_FROM), 0, 1) * MARK_COVER)[..., None]
    grey = picture.mean(axis=-1, keepdims=True)
    muted = 0.45 * picture + 0.55 * grey
    return np.rint(muted * (1 - cover) + MARK * cover).astype(np.uint8)


def spot(picture: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Paint what infrared shows, as `surface.surface_map` (h, w), over a picture (h, w, 3) uint8: a dot for each speck
    that is large enough to be seen, with a dark rim that tells it from the picture."""
    height, width = picture.shape[:2]
    painted = picture
    for kind, colour in SPOTS.items():
        marked = Image.fromarray((surface == kind).astype(np.float32)).resize((width, height), Image.Resampling.BOX)
        dots = maximum_filter(np.asarray(marked) > 0, SPOT)
        rims = maximum_filter(dots, 3)
        painted = np.where(dots[..., None], np.array(colour, np.uint8), np.where(rims[..., None], np.uint8(0), painted))
    return painted


def jpeg(picture: np.ndarray, quality: int = 88) -> bytes:
    """Encode (h, w, 3) uint8 for a browser."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "JPEG", quality=quality)
    return out.getvalue()


def thumbnail(negative: np.ndarray, side: int = THUMBNAIL) -> bytes:
    """A small JPEG of the positive of a reduced negative (h, w, 3) uint16."""
    picture = Image.fromarray(positive_view(negative))
    picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    return jpeg(np.asarray(picture), quality=78)
