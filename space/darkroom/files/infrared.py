"""The infrared of a scan: where scanner programs put it, and laid on the picture that is judged.

A fourth sample of a TIFF or DNG that is not said to be an alpha channel (VueScan), a page of one channel beside the
picture (SilverFast), or a file of its own (see `pairs`).
"""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from .alignment import placement, warped
from .camera import is_tiff
from .decode import decode
from .limits import ScanError, opened

log = logging.getLogger(__name__)
SAME_SIDES = 0.02  # by which the proportions of picture and infrared may differ
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
        if fourth is None and is_tiff(source):
            from .infrared_tiff import infrared_in  # tifffile need not be there for other formats

            fourth = infrared_in(source, name, number)
        plane = _unit(fourth) if fourth is not None else None
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
        infrared, seen = warped(infrared, place), warped(seen, place, beyond=0.0)
    return Infrared(infrared, seen > 0.99)


def _unit(plane: np.ndarray) -> np.ndarray | None:
    """Whole numbers (h, w) as float32 in 0…1; None where they are all one number, which says nothing."""
    return plane / np.float32(np.iinfo(plane.dtype).max) if np.ptp(plane) > 0 else None


def _own_file(path: Path, number: int) -> np.ndarray | None:
    """The same of a file of its own, grey or in colours, whose pages are the frames' in their order."""
    pixels = decode(path, path.name, small=1, number=number)[0]
    full = np.float32(1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max)
    plane = pixels.mean(axis=-1, dtype=np.float32) / full
    return plane if np.ptp(plane) > 0 else None
