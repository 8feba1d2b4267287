"""TIFF, as scanners write it: which of its pages are frames, and their pixels at full depth."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffFile, TiffPage

from .exif import EXIF_ORIENTATION
from .limits import IN_PARTS, MAX_BYTES, ScanTooLarge, UnreadableScan, check_memory, check_size
from .modern import JXL_MAGIC, jpeg_size, jxl_size
from .pixels import three_channels, turn
from .small import shrunk_in_parts, shrunk_rgb, times_smaller
from .tiff_strips import in_parts, largest_part, parts_of, samples_last

ICC, DNG_VERSION = 34675, 50706
REDUCED, MASK = 1, 4  # bits of NewSubfileType
MOST_PAGES, MOST_ENTRIES = 500, 10_000  # looked at in one file, and in its directories together
THUMBNAIL = 1 / 3  # of the largest page's pixels; a smaller page is a thumbnail, whether or not it says so
PILLOW_PIXEL = 4  # bytes that Pillow takes for one
RAW = (PHOTOMETRIC.CFA, PHOTOMETRIC.LINEAR_RAW)
COLOURS = (PHOTOMETRIC.RGB, PHOTOMETRIC.LINEAR_RAW)
ALPHA = (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)
LAB = (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB)
BY_TIFFFILE = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.SEPARATED, *LAB)
JPEG_XL = (50002, 52546)
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # problems of a file are reported in one sentence
# Compressed so that each part says its size by itself, whatever the directory says.
SELF_SIZED = (COMPRESSION.JPEG, COMPRESSION.WEBP, 33003, 33004, 33005, COMPRESSION.JPEG2000, *JPEG_XL)


def every_page(tiff: TiffFile) -> list[TiffPage]:
    """The pages of a file in their order, those below another page too, each once. Raises ValueError where
    their directories hold more than any program writes."""
    found, entries = {}, 0  # by place: a broken list may lead back to its beginning
    for page in islice((page for top in tiff.pages for page in (top, *(top.pages or ()))), MOST_PAGES):
        entries += len(page.tags) if page.offset not in found else 0
        found[page.offset] = page
        if entries > MOST_ENTRIES:
            raise ValueError("its directories hold more than any program writes")
    return list(found.values())


def pages_of(tiff: TiffFile) -> list[TiffPage]:
    """The pages that are frames, in their order: no thumbnail, no mask, no smaller copy; and of what is as large only
    pictures in colour, where there are any, since the other is infrared."""
    pages = every_page(tiff)
    whole = [page for page in pages if not page.subfiletype & (REDUCED | MASK)] or pages
    largest = max(map(_area, whole))
    large = [page for page in whole if _area(page) > THUMBNAIL * largest]
    return [page for page in large if page.samplesperpixel >= 3 or page.photometric == PHOTOMETRIC.PALETTE] or large


def _area(page: TiffPage) -> int:
    return page.imagewidth * page.imagelength


def frames_in(file: BinaryIO) -> int:
    """How many frames an open TIFF holds; a raw is one. Raises what `tifffile` raises for broken bytes."""
    with TiffFile(file) as tiff:
        return 1 if DNG_VERSION in tiff.pages.first.tags or raw_page(tiff) else len(pages_of(tiff))


def raw_page(tiff: TiffFile) -> TiffPage | None:
    """The largest page, of a first page's sub-pages too, that holds what a sensor saw; None in a developed picture."""
    first = tiff.pages.first
    raws = [page for page in (first, *(first.pages or ())) if page.photometric in RAW]
    return max(raws, key=_area, default=None)


@contextmanager
def opened_tiff(source: bytes | Path) -> Iterator[TiffFile]:
    """A TIFF's directories; its pixels stay in the file until they are asked for."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file, TiffFile(file) as tiff:
        yield tiff


def is_raw(source: bytes | Path) -> bool:
    """Whether a TIFF is a camera's or scanner's raw. Raises what `tifffile` raises for broken bytes."""
    with opened_tiff(source) as tiff:
        return DNG_VERSION in tiff.pages.first.tags or raw_page(tiff) is not None


def decode_tiff(
    source: bytes | Path, name: str, number: int = 0, small: int = 0
) -> tuple[np.ndarray, bytes | None, np.ndarray | None]:
    """Decode one frame. number: of the frame in `pages_of`. small: reduced as `small.times_smaller` says.

    Returns (H, W, 3) uint8, uint16 or float32 in 0…1, upright; the ICC profile; and of a small one the infrared (h, w)
    that is its fourth sample. Raises ScanError, or what the decoders raise for broken bytes.
    """
    with opened_tiff(source) as tiff:
        page = pages_of(tiff)[number]
        check_page(page, name, reduced=small > 0 and _by_tifffile(page) and in_parts(page))
        if page.photometric in LAB and (page.dtype is None or page.dtype.kind != "u"):
            raise UnreadableScan(f"{name}: CIELAB in numbers of an unusual kind; save it as 16-bit RGB")
        icc = page.tags[ICC].value if ICC in page.tags else None
        orientation = page.tags[EXIF_ORIENTATION].value if EXIF_ORIENTATION in page.tags else 1
        times = times_smaller(page.imagewidth, page.imagelength, small) if small else 1
        if page.dtype is None or not _by_tifffile(page):
            check_memory(name, _area(page) * PILLOW_PIXEL)
            return _by_pillow(source, page.index, times), icc, None
        check_memory(name, largest_part(page) if times > 1 else page.nbytes)
        four = page.photometric == PHOTOMETRIC.SEPARATED or (small > 0 and has_infrared(page))
        if times == 1:
            pixels = _even(page, samples_last(page), name, four)
        else:
            parts = (_even(page, part, name, four) for part in parts_of(page))
            pixels = shrunk_in_parts(parts, times, page.imagelength)
        infrared = turn(pixels[..., 3], int(orientation)) if four and has_infrared(page) else None
        pixels = _rgb(page, pixels)[..., :3]
    return turn(pixels, int(orientation)), icc, infrared


def has_infrared(page: TiffPage) -> bool:
    """Whether a page's fourth sample is infrared: it has one, and the file does not say that it is transparency."""
    extra = page.extrasamples[0] if page.extrasamples else EXTRASAMPLE.UNSPECIFIED
    return page.photometric in COLOURS and page.samplesperpixel > 3 and extra not in ALPHA and has_numbers(page)


def has_numbers(page: TiffPage) -> bool:
    """Whether a page holds numbers that infrared comes in: 8 to 16 bits."""
    return page.dtype is not None and page.dtype.kind == "u" and page.dtype.itemsize <= 2 and page.bitspersample >= 8


def _even(page: TiffPage, pixels: np.ndarray, name: str, four: bool) -> np.ndarray:
    """Rows of a page as numbers that may be averaged, uint8, uint16 or float32 in 0…1: (H, W, 3), or `four`, inks or
    colours and infrared."""
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        pixels = 1 - pixels if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max - pixels
    elif page.photometric == PHOTOMETRIC.PALETTE:
        pixels = (np.asarray(page.colormap)[:, pixels] >> 8).astype(np.uint8).transpose(1, 2, 0)
    elif page.photometric == PHOTOMETRIC.CIELAB:
        pixels[..., 1:3] ^= np.iinfo(pixels.dtype).max // 2 + 1  # a and b then begin at −128, as ICC has them
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise UnreadableScan(f"{name}: some pixels are not numbers (NaN or infinite); export it again")
        if pixels.min() < 0 or pixels.max() > 1:
            raise UnreadableScan(f"{name}: floating-point pixels must lie in 0…1; export it as 16-bit")
        pixels = pixels.astype(np.float32)
    elif pixels.dtype.itemsize > 2:
        pixels = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    return pixels[..., :4] if four else three_channels(pixels)


def check_page(page: TiffPage, name: str, *, reduced: bool = False) -> None:
    """Raise ScanTooLarge where a page or a part of it unpacks to more than we hold, before any of it is unpacked.
    reduced: only a small picture of it is held."""
    check_size(name, page.imagewidth, page.imagelength, times := IN_PARTS if reduced else 1)
    check_size(name, page.tilewidth, page.tilelength)  # each is unpacked whole, whatever the picture's size
    area = max(_area(page), page.tilewidth * page.tilelength)
    item = page.dtype.itemsize if page.dtype is not None else 1
    if area * page.imagedepth * page.samplesperpixel * item > times * MAX_BYTES or page.tiledepth > 1:
        raise ScanTooLarge(f"{name}: too many layers or bits a pixel to unpack; export it as 16-bit RGB")
    if page.compression not in SELF_SIZED:
        return
    file = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(offset)
        part = file.read(count)
        if not part:
            continue
        xl = part[: len(JXL_MAGIC)] == JXL_MAGIC or page.compression in JPEG_XL
        size = jxl_size(part) if xl else jpeg_size(part)
        if size is None:
            with Image.open(io.BytesIO(part)) as image:
                size = image.size
        check_size(name, *size)


def _by_tifffile(page: TiffPage) -> bool:
    if page.bitspersample < 8:
        return page.photometric == PHOTOMETRIC.RGB and page.bitspersample > 1
    return (
        page.photometric in BY_TIFFFILE
        or page.photometric == PHOTOMETRIC.PALETTE
        or (page.photometric == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.JPEG)  # libjpeg makes it RGB
    )


def _by_pillow(source: bytes | Path, index: int, times: int) -> np.ndarray:
    """What Pillow unpacks: 1 to 7 bits, fax, YCbCr without JPEG. (H, W, 3) uint8, reduced; upright by itself."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with opened as file, Image.open(file, formats=("TIFF",)) as image:
        image.seek(index)
        return shrunk_rgb(image, times)


def _rgb(page: TiffPage, pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) of the reduced picture: inks and CIELAB take long to convert."""
    if page.photometric == PHOTOMETRIC.SEPARATED:
        return _rgb_from_cmyk(pixels)
    return _rgb_from_lab(pixels) if page.photometric in LAB else pixels


def _rgb_from_cmyk(pixels: np.ndarray) -> np.ndarray:
    full = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    ink = pixels.astype(np.float64) / full
    rgb = (1 - ink[..., :3]) * (1 - ink[..., 3:4]) * full
    return rgb.astype(np.float32) if full == 1 else np.rint(rgb).astype(pixels.dtype)


def _rgb_from_lab(pixels: np.ndarray) -> np.ndarray:
    """CIELAB (L from 0, a and b from −128, at white D50) as sRGB of the same depth."""
    import imagecodecs

    full = np.iinfo(pixels.dtype).max
    middle = full // 2 + 1
    signed = pixels[..., 1:3].astype(np.float32) - middle
    lab = np.concatenate([pixels[..., :1] * np.float32(100 / full), signed * np.float32(128 / middle)], axis=-1)
    to_rgb = partial(imagecodecs.cms_transform, colorspace="lab", outcolorspace="rgb", outdtype="float32")
    rgb = to_rgb(np.ascontiguousarray(lab), imagecodecs.cms_profile("lab4"), imagecodecs.cms_profile("srgb"))
    return np.rint(rgb.clip(0, 1) * full).astype(pixels.dtype)
