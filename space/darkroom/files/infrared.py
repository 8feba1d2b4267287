"""The infrared of a scan: where scanner programs put it, and laid on the picture that is judged.

A fourth sample of a TIFF or DNG that is not said to be an alpha channel (VueScan), a page of one channel beside the
picture (SilverFast), or a file of its own (see `pairs`).
"""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tifffile import PHOTOMETRIC, TiffFile, TiffPage

from .alignment import laid, placement
from .camera import is_tiff
from .decode import decode
from .exif import EXIF_ORIENTATION
from .limits import ScanError, check_memory, opened
from .pixels import turn
from .small import shrunk_in_parts, times_smaller
from .strips import largest_part, parts_of
from .tiff import COLOURS, REDUCED, check_page, every_page, has_infrared, has_numbers, opened_tiff, pages_of, raw_page

log = logging.getLogger(__name__)
SAME_SIDES = 0.02  # by which the proportions of picture and infrared may differ
LEAST_AREA = 1 / 4  # of the picture's pixels
ENDS, MOST_AT_ENDS = 0.02, 0.95  # of the range, and share of the frame there in what is a mask and no infrared
DARKEST = 1e-4  # of the range, below which a density is only noise


class Infrared(NamedTuple):
    """plane: (h, w) float32 in 0…1, None where there is none. seen: (h, w) bool, where it is not mirrored. note: why
    what there is of it cannot be used, or an empty text."""

    plane: np.ndarray | None = None
    seen: np.ndarray | None = None
    note: str = ""


def read_infrared(
    source: Path | bytes, name: str, number: int, fourth: np.ndarray | None, own: Path | None
) -> Infrared:
    """The infrared of a frame, upright and reduced as its picture is.

    source, name, number: as for `open_scan`. fourth: (h, w) whole numbers, where it was decoded with the picture. own:
    its own file, looked at where `source` holds none. Never raises: a frame is judged without what cannot be read.
    """
    try:
        plane = _unit(fourth) if fourth is not None else _inside(source, name, number)
        if plane is None and own is not None:
            plane = _own_file(own, number)
    except Exception as error:  # decoders raise whatever they like on broken bytes
        log.info("infrared of %s", name, exc_info=error)
        why = str(error) if isinstance(error, ScanError) else "it is broken"
        return Infrared(note=f"The infrared could not be read: {why}.")
    finally:
        opened()
    if plane is not None and ((plane <= ENDS * plane.max()) | (plane >= 1 - ENDS)).mean() > MOST_AT_ENDS:
        return Infrared(note="The infrared was left out: nearly all of it is black or white.")
    return Infrared(plane)


def on_picture(infrared: np.ndarray, density: np.ndarray) -> Infrared:
    """Infrared (h, w) in 0…1 laid on its picture, of which this is the density (h, w)."""
    height, width = density.shape
    if abs(infrared.shape[1] * height / infrared.shape[0] - width) > max(SAME_SIDES * width, 1.5):
        return Infrared(note="The infrared was left out: it has other proportions than the picture.")
    if infrared.shape != density.shape:
        infrared = np.asarray(Image.fromarray(infrared).resize((width, height), Image.Resampling.BOX))
    place = placement(density, -np.log10(np.maximum(infrared, DARKEST)))
    seen = np.ones(density.shape, np.float32)
    if place is not None:
        infrared, seen = laid(infrared, place), laid(seen, place, beyond=0.0)
    return Infrared(infrared, seen > 0.99)


def _inside(source: Path | bytes, name: str, number: int) -> np.ndarray | None:
    """(h, w) float32 in 0…1, upright, reduced as the picture is; None where the file holds no infrared."""
    if not is_tiff(source):
        return None
    with opened_tiff(source) as tiff:
        page = _page(tiff, number)
        if page is None:
            return None
        check_page(page, name)
        times = times_smaller(page.imagewidth, page.imagelength)
        check_memory(name, largest_part(page))
        parts = (part[..., 3:4] if part.ndim == 3 else part[..., None] for part in parts_of(page))
        plane = shrunk_in_parts(parts, times, page.imagelength)[..., 0]
        tags = page.tags if EXIF_ORIENTATION in page.tags else tiff.pages.first.tags
        orientation = int(tags[EXIF_ORIENTATION].value) if EXIF_ORIENTATION in tags else 1
    return _unit(turn(plane, orientation))


def _unit(plane: np.ndarray) -> np.ndarray | None:
    """Whole numbers (h, w) as float32 in 0…1; None where they are all one number, which says nothing."""
    return plane / np.float32(np.iinfo(plane.dtype).max) if np.ptp(plane) > 0 else None


def _page(tiff: TiffFile, number: int) -> TiffPage | None:
    """The page that holds the infrared of a frame: the frame's own, in a fourth sample, or one of one channel."""
    raw = raw_page(tiff)
    frames = [raw] if raw else pages_of(tiff)
    picture = frames[number]
    if picture.photometric in COLOURS and picture.samplesperpixel > 3:
        return picture if has_infrared(picture) else None
    places = [page.offset for page in frames]
    every = every_page(tiff)
    grey = [page for page in every if page.offset not in places and _may_belong(page, picture)]
    if len(grey) != len(frames):  # not one each: the first that follows the frame, before the next
        order = [page.offset for page in every]
        last = order.index(places[number + 1]) if number + 1 < len(frames) else len(order)
        after = order[order.index(picture.offset) : last]
        grey = [page for page in grey if page.offset in after]
        return grey[0] if grey else None
    return grey[number]


def _may_belong(page: TiffPage, picture: TiffPage) -> bool:
    """Whether a page is of one channel, whole and as large as the picture, or not much smaller."""
    same = abs(page.imagewidth * picture.imagelength / max(page.imagelength, 1) - picture.imagewidth)
    return (
        page.samplesperpixel == 1
        and page.photometric == PHOTOMETRIC.MINISBLACK
        and not page.subfiletype & REDUCED
        and has_numbers(page)
        and same <= max(SAME_SIDES * picture.imagewidth, 1.5)
        and page.imagewidth * page.imagelength >= LEAST_AREA * picture.imagewidth * picture.imagelength
    )


def _own_file(path: Path, number: int) -> np.ndarray | None:
    """The same of a file of its own, grey or in colours, whose pages are the frames' in their order."""
    pixels = decode(path, path.name, small=True, number=number)[0]
    full = np.float32(1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max)
    plane = pixels.mean(axis=-1, dtype=np.float32) / full
    return plane if np.ptp(plane) > 0 else None
