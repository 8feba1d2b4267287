"""Write the positive at full size, with the EXIF and ICC data of the negative's file."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..files.exif import EXIF_CAMERA, EXIF_ORIENTATION, EXIF_TEXTS, INTEROPERABILITY
from ..files.folder import shortened
from ..files.light import profiled
from .base import grade_of
from .inversion import Grade, inverted
from .scan import Scan, open_scan

PLACEHOLDER = 34664  # tifffile writes no EXIF_CAMERA; this unused tag keeps its place in the order
SOFTWARE = "darkroom"
POSITIVES = (".jpg", ".jpeg", ".tif", ".tiff")
OTHER_COLOURS = (b"GRAY", b"CMYK", b"Lab ")  # what an ICC profile calls colours that are not RGB


def save_positive(
    source: Path,
    folder: Path,
    suffix: str,
    method: str = "cvt2pos",
    turns: int = 0,
    light: str = "auto",
) -> Path:
    """Invert the file `source` at full size into `folder`, which is made if need be.

    suffix: ".jpg" (8 bits, quality 95) or ".tif" (16 bits a channel). method: as for `inversion`. turns: quarters to
    the left. light: as for `open_scan`. Returns the path, named after the source. Raises ScanError where the source
    cannot be opened.
    """
    scan = open_scan(source, name=Path(source).name, light=light)
    return save_scan(scan, Path(source).stem, folder, suffix, method, turns)


def save_scan(scan: Scan, stem: str, folder: Path, suffix: str, method: str = "cvt2pos", turns: int = 0) -> Path:
    """The same of a scan that is open; stem: what the positive is named after."""
    folder.mkdir(parents=True, exist_ok=True)
    which = f"-{scan.number + 1}" if scan.frames > 1 else ""
    target = folder / f"{shortened(stem)}{which}-positive{suffix}"
    write_positive(scan, target, method, turns)
    return target


def write_positive(scan: Scan, target: Path, method: str = "cvt2pos", turns: int = 0) -> None:
    """Invert a scan at full size into the file `target`, whose suffix is one of `POSITIVES`.

    method, turns: as for `save_positive`. Raises OSError where the file cannot be written, ScanError where the scan's
    cannot be opened any more.
    """
    as_jpeg = target.suffix.lower() in (".jpg", ".jpeg")
    positive = np.rot90(positive_pixels(scan, method, np.uint8 if as_jpeg else np.uint16), turns)
    (write_jpeg if as_jpeg else write_tiff)(target, positive, scan)


def positive_pixels(scan: Scan, method: str, depth: type[np.unsignedinteger]) -> np.ndarray:
    """The positive at full size, (H, W, 3), its white at the greatest value of `depth`; method: as for `inversion`."""
    positive = np.empty(scan.pixels.shape, depth)
    for rows, strip in inverted(scan.rows, positive.shape[:2], method, _grade_in_file(scan)):
        positive[rows] = np.rint(strip * np.iinfo(depth).max)
    return positive


def _grade_in_file(scan: Scan) -> Grade | None:
    """Of the film, in the file's own colours; None where it is not known, or these are others than the working space's,
    in which it was measured."""
    own = scan.icc and scan.light == "auto" and profiled(np.zeros((1, 1, 3), np.float32), scan.icc) is not None
    return None if own else grade_of(scan.base)


def upright_exif(scan: Scan) -> Image.Exif:
    """The scan's EXIF without its orientation: `Scan` has turned the pixels already."""
    exif = Image.Exif()
    if scan.exif:
        exif.load(scan.exif)
    exif.pop(EXIF_ORIENTATION, None)
    return exif


def rgb_profile(scan: Scan) -> bytes | None:
    """The file's profile where it holds for the RGB positive: not one of grey or of inks, nor where it was said, in the
    profile's place, what light the file holds."""
    return scan.icc if scan.icc and scan.light == "auto" and scan.icc[16:20] not in OTHER_COLOURS else None


def write_jpeg(target: Path, positive: np.ndarray, scan: Scan) -> None:
    """(H, W, 3) uint8 as JPEG, quality 95 without chroma subsampling."""
    options = {"icc_profile": icc} if (icc := rgb_profile(scan)) else {}
    picture = Image.fromarray(np.ascontiguousarray(positive))
    picture.save(target, "JPEG", quality=95, subsampling=0, exif=upright_exif(scan), **options)


def write_tiff(target: Path, positive: np.ndarray, scan: Scan) -> None:
    """(H, W, 3) uint16 as a 16-bit RGB TIFF, which Pillow cannot write."""
    import tifffile

    exif = upright_exif(scan)
    tags: list[tuple[int, str, int, object, bool]]  # (tag, type, count, value, whether it is written once)
    tags = [(tag, "s", 0, str(exif[tag]), True) for tag in EXIF_TEXTS if exif.get(tag)]
    camera = {tag: value for tag, value in exif.get_ifd(EXIF_CAMERA).items() if tag != INTEROPERABILITY}
    tags += [(PLACEHOLDER, "I", 1, 0, True)] if camera else []
    tifffile.imwrite(
        target,
        np.ascontiguousarray(positive),
        photometric="rgb",
        compression="zlib",
        predictor=True,
        iccprofile=rgb_profile(scan),
        software=SOFTWARE,
        extratags=tags,
        metadata=None,
    )
    if camera:
        _append_ifd(target, camera)


def _append_ifd(target: Path, camera: dict[int, Any]) -> None:
    """Put the EXIF directory behind the TIFF and turn the placeholder into the pointer that says where."""
    import tifffile
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with tifffile.TiffFile(target) as tiff:
        pointer, order = tiff.pages.first.tags[PLACEHOLDER], tiff.byteorder
    directory = ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
    for tag, value in camera.items():
        directory[tag] = value
    with target.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        at = end + end % 2
        file.write(b"\0" * (at - end) + directory.tobytes(at))
        for where, form, value in ((pointer.offset, "H", EXIF_CAMERA), (pointer.valueoffset, "I", at)):
            file.seek(where)
            file.write(struct.pack(order + form, value))
