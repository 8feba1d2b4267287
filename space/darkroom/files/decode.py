"""Turn the bytes of a picture file into an array, at full bit depth, or say in one sentence why not.

Files are hostile until decoded: the size in pixels is read from the header and checked before any pixel is.
"""

import io
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from .camera import RAW_SUFFIXES, TIFF_MAGIC, decode_heif, decode_raw, is_heif, looks_raw
from .exif import exif_of, exif_of_tiff
from .limits import (
    MAX_PIXELS,
    MIN_SIDE,
    EmptyScan,
    MissingScan,
    ScanError,
    ScanTooLarge,
    UnreadableScan,
    check_memory,
    check_size,
    opened,
    too_large,
)
from .modern import decode_modern, modern_kind
from .pixels import three_channels, turn
from .png import PNG_MAGIC, bare_png
from .small import shrunk, shrunk_rgb, times_smaller

__all__ = ["EmptyScan", "MissingScan", "ScanError", "ScanTooLarge", "UnreadableScan", "decode", "read_bytes"]

FORMATS = ("JPEG", "PNG", "WEBP")  # MPO, a phone's JPEG of several pictures, among the first
NO_RAW = "{name}: not a camera raw we can open; export it as 16-bit TIFF"
JPEG_END, JPEG_SCAN = b"\xff\xd9", b"\xff\xda"
MOST_SCANS = 100  # in a JPEG: each goes over the whole picture again; programs write a dozen
PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by its kind of colour
# Bytes that decoders take for a pixel of the whole picture. A JPEG in several scans is held as coefficients.
HEIF_PIXEL, PILLOW_PIXEL = 7, {"JPEG": 1, "MPO": 1, "PNG": 4, "WEBP": 5}

# Over the limit Pillow only warns, up to twice the limit; a warning does not stop a bomb.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def decode(
    source: bytes | Path, name: str, *, small: int = 0, number: int = 0
) -> tuple[np.ndarray, str, dict[str, Any]]:
    """Decode a picture file.

    source: the file's bytes, or its path. name: what to call it in an error. small: 1: at a half, a quarter… of its
    size, the smallest that still has `small.SMALL`, at the file's own depth; 2, 4…: so many times finer than that; 0:
    at full size. A JPEG is decoded at that scale, which is several times faster.
    Returns the pixels (H, W, 3) as uint8, uint16 or float32 in 0…1, upright; the format's name; and what else the
    file says: {"icc": bytes | None, "exif": bytes | None, "jpeg_tables": quantisation tables | None, "fourth": the
    infrared (h, w) of a small TIFF that has it as its fourth sample | None}.
    Raises MissingScan, EmptyScan, UnreadableScan, ScanTooLarge.
    """
    try:
        pixels, kind, extra = _decode_any(source, name, small, number)
        if small and kind != "TIFF":  # which comes reduced
            pixels = shrunk(pixels, times_smaller(pixels.shape[1], pixels.shape[0], small))
    except ScanError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ScanTooLarge(too_large(name)) from None
    except UnidentifiedImageError:
        kinds = "JPEG, PNG, TIFF, WebP, HEIC, AVIF, JPEG XL, JPEG 2000 or a camera raw"
        raise UnreadableScan(f"{name}: not a picture we can open; use {kinds}") from None
    except MemoryError:
        raise ScanTooLarge(f"{name}: too large for this machine's memory; reduce it and try again") from None
    except Exception as error:  # decoders raise whatever they like on broken bytes: OSError, SyntaxError, struct.error…
        detail = str(error).split("\n")[0] or type(error).__name__
        raise UnreadableScan(f"{name}: the picture is damaged or cut short ({detail}); copy it again") from error
    finally:
        opened()
    if min(pixels.shape[:2]) < MIN_SIDE:
        size = f"{pixels.shape[1]} × {pixels.shape[0]}"
        raise EmptyScan(f"{name}: {size} pixels are too few to judge; scan at {MIN_SIDE} pixels a side or more")
    return pixels, kind, extra


def _decode_any(source: bytes | Path, name: str, small: int, number: int) -> tuple[np.ndarray, str, dict[str, Any]]:
    """By what is in the bytes. Only among TIFF does the name count: most camera raws look like one, with a thumbnail
    first, and not all of them say that they are raw."""
    named_raw = name.lower().endswith(RAW_SUFFIXES)
    none = {"icc": None, "exif": None, "jpeg_tables": None, "fourth": None}
    head = source[:16] if isinstance(source, bytes) else read_bytes(source, name, 16)
    if not head:
        raise EmptyScan(f"{name}: the file is empty; copy it again from the camera, phone or scanner")
    if head[:4] in TIFF_MAGIC:
        from .tiff import decode_tiff, is_raw

        raw = is_raw(source)
        if raw or named_raw:
            pixels = decode_raw(source, name, small)
            if pixels is not None:
                return pixels, "RAW", none
            if raw:
                raise UnreadableScan(NO_RAW.format(name=name))
        pixels, icc, fourth = decode_tiff(source, name, number, small)
        return pixels, "TIFF", none | {"icc": icc, "exif": exif_of_tiff(source), "fourth": fourth}
    check_memory(name, len(source) if isinstance(source, bytes) else source.stat().st_size)
    data = source if isinstance(source, bytes) else read_bytes(source, name)
    if is_heif(data):
        pixels, extra = decode_heif(data, partial(_check, name, HEIF_PIXEL, len(data)))
        return pixels, "HEIC", none | extra
    if modern_kind(data):
        pixels, extra = decode_modern(data, name)
        return pixels, modern_kind(data), none | extra
    try:
        return _decode_pillow(data, name, small)
    except UnidentifiedImageError:
        pixels = decode_raw(data, name, small) if looks_raw(data) or named_raw else None
        if pixels is None and named_raw:
            raise UnreadableScan(NO_RAW.format(name=name)) from None
        if pixels is None:
            raise
        return pixels, "RAW", none


def _check(name: str, each: float, held: int, width: int, height: int) -> None:
    """Raise ScanError for a picture that is too large, by its sides or by the memory that it takes to open: `each`
    bytes a pixel, and `held` for the file."""
    check_size(name, width, height)
    check_memory(name, int(width * height * each) + held)


def _decode_pillow(data: bytes, name: str, small: int = 0) -> tuple[np.ndarray, str, dict[str, Any]]:
    data, profile = bare_png(data, name)
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        kind = image.format or ""
        deep = kind == "PNG" and data[:8] == PNG_MAGIC and data[24] == 16
        scans = data.count(JPEG_SCAN) if isinstance(image, JpegImageFile) else 0
        each = _coefficients(image) if isinstance(image, JpegImageFile) and scans > 1 else PILLOW_PIXEL[kind]
        _check(name, 2 * PNG_SAMPLES.get(data[25], 4) if deep else each, len(data), *image.size)
        if scans > MOST_SCANS:
            raise UnreadableScan(f"{name}: a JPEG of more than {MOST_SCANS} scans; save it again as an ordinary one")
        if small:
            times = min(times_smaller(*image.size, small), 8)
            image.draft(None, (image.width // times, image.height // times))  # only a JPEG heeds it
        if deep:
            # Pillow opens 16-bit colour PNG at 8 bits.
            import imagecodecs

            pixels = three_channels(imagecodecs.png_decode(data))
        elif kind == "WEBP":  # Pillow holds four pictures of it
            import imagecodecs

            pixels = three_channels(imagecodecs.webp_decode(data))
        else:
            try:
                pixels = shrunk_rgb(image, times_smaller(*image.size, small) if small else 1)
            except OSError:
                rest = _without_end(data, image.size) if isinstance(image, JpegImageFile) else None
                if rest is None:
                    raise
                pixels = rest
        orientation, exif = exif_of(image)
        extra = {
            "icc": profile or image.info.get("icc_profile"),
            "exif": exif,
            "jpeg_tables": getattr(image, "quantization", None),
        }
        return turn(pixels, orientation), "JPEG" if kind == "MPO" else kind, extra


def _coefficients(image: JpegImageFile) -> float:
    """Bytes a pixel of a JPEG in several scans, whose numbers are held until the last: two for each."""
    sizes = [across * down for _, across, down, _ in image.layer]
    return 2 * sum(sizes) / max(sizes, default=1)


def _without_end(data: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """The pixels of a JPEG whose end marker is missing and nothing else; None where pixels are missing too.

    What follows the last pixel's bits changes no pixel: it is decoded with two different ends, at a scale that gives
    `size`.
    """
    rest, ends = data.rstrip(b"\xff"), []
    for bits in (b"\x00", b"\xaa"):
        with Image.open(io.BytesIO(rest + bits * 4096 + JPEG_END), formats=("JPEG",)) as image:
            image.draft(None, size)
            ends.append(np.asarray(image.convert("RGB")))
    return ends[0] if np.array_equal(ends[0], ends[1]) else None


def read_bytes(path: Path, name: str, most: int = -1) -> bytes:
    """The file's bytes, or its first `most`. name: what to call it. Raises MissingScan where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise MissingScan(f"{name}: no such file; check the path") from None
    except OSError as error:
        raise MissingScan(f"{name}: cannot be read ({error.strerror}); check its kind and permissions") from None
