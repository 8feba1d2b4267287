"""Where a TIFF or DNG holds the infrared of a frame, and its values."""

from pathlib import Path

import numpy as np
from tifffile import PHOTOMETRIC, TiffFile, TiffPage

from .exif import EXIF_ORIENTATION
from .infrared import SAME_SIDES
from .limits import check_memory
from .pixels import turn
from .small import shrunk_in_parts, times_smaller
from .tiff import COLOURS, REDUCED, check_page, every_page, has_infrared, has_numbers, opened_tiff, pages_of, raw_page
from .tiff_strips import in_parts, largest_part, parts_of

LEAST_AREA = 1 / 4  # of the picture's pixels


def infrared_in(source: Path | bytes, name: str, number: int) -> np.ndarray | None:
    """(h, w) whole numbers, upright, reduced as the picture is; None where the TIFF holds no infrared of the frame.

    source, name, number: as for `open_scan`. Raises limits.ScanError, and whatever decoders raise on broken bytes.
    """
    with opened_tiff(source) as tiff:
        page = _page(tiff, number)
        if page is None:
            return None
        check_page(page, name, reduced=in_parts(page))
        times = times_smaller(page.imagewidth, page.imagelength)
        check_memory(name, largest_part(page))
        parts = (part[..., 3:4] if part.ndim == 3 else part[..., None] for part in parts_of(page))
        plane = shrunk_in_parts(parts, times, page.imagelength)[..., 0]
        tags = page.tags if EXIF_ORIENTATION in page.tags else tiff.pages.first.tags
        orientation = int(tags[EXIF_ORIENTATION].value) if EXIF_ORIENTATION in tags else 1
    return turn(plane, orientation)


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
