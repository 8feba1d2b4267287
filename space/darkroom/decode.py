"""Turn the bytes of a picture file into an array, at full bit depth, or say in one sentence why not.

Files are hostile until decoded: the size in pixels is read from the header and checked before any pixel is.
"""

import io
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

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
    check_size,
    too_large,
)
from .modern import decode_modern, modern_kind
from .pixels import three_channels, turn
from .png import PNG_MAGIC, bare

SMALL_PIXELS = 8_000_000  # that a picture of any shape has at most when it is decoded small
SMALL = 960, 640  # long and short side that a picture keeps at least when it is decoded small
FORMATS = ("JPEG", "PNG", "WEBP")
NO_RAW = "{name}: not a camera raw we can open; export it as 16-bit TIFF"
JPEG_END = b"\xff\xd9"

# Over the limit Pillow only warns, up to twice the limit; a warning does not stop a bomb.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def decode(data: bytes, name: str, *, small: bool = False, number: int = 0) -> tuple[np.ndarray, str, dict]:
    """Decode a picture file.

    data: the file's bytes. name: what to call it in an error. small: at a half, a quarter… of its size, the smallest
    that still has `SMALL`, at the file's own depth; a JPEG is decoded at that scale, which is several times faster.
    Returns the pixels (H, W, 3) as uint8, uint16 or float32 in 0…1, upright; the format's name; and what else the
    file says: {"icc": bytes | None, "exif": bytes | None, "jpeg_tables": quantisation tables | None}.
    Raises EmptyScan, UnreadableScan, ScanTooLarge.
    """
    if not data:
        raise EmptyScan(f"{name}: the file is empty; copy it again from the camera, phone or scanner")
    try:
        pixels, kind, extra = _decode_any(data, name, small, number)
        if small:
            pixels = _shrunk(pixels)
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
    if min(pixels.shape[:2]) < MIN_SIDE:
        size = f"{pixels.shape[1]} × {pixels.shape[0]}"
        raise EmptyScan(f"{name}: {size} pixels are too few to judge; scan at {MIN_SIDE} pixels a side or more")
    return pixels, kind, extra


def _decode_any(data: bytes, name: str, small: bool, number: int) -> tuple[np.ndarray, str, dict]:
    """By what is in the bytes. Only among TIFF does the name count: most camera raws look like one, with a thumbnail
    first, and not all of them say that they are raw."""
    named_raw = name.lower().endswith(RAW_SUFFIXES)
    none = {"icc": None, "exif": None, "jpeg_tables": None}
    if is_heif(data):
        pixels, extra = decode_heif(data, partial(check_size, name))
        return pixels, "HEIC", none | extra
    if modern_kind(data):
        pixels, extra = decode_modern(data, name)
        return pixels, modern_kind(data), none | extra
    if data[:4] in TIFF_MAGIC:
        from .tiff import decode_tiff, is_raw

        raw = is_raw(data)
        if raw or named_raw:
            pixels = decode_raw(data, name)
            if pixels is not None:
                return pixels, "RAW", none
            if raw:
                raise UnreadableScan(NO_RAW.format(name=name))
        pixels, icc = decode_tiff(data, name, number)
        return pixels, "TIFF", none | {"icc": icc, "exif": exif_of_tiff(data)}
    try:
        return _decode_pillow(data, name, small)
    except UnidentifiedImageError:
        pixels = decode_raw(data, name) if looks_raw(data) or named_raw else None
        if pixels is None and named_raw:
            raise UnreadableScan(NO_RAW.format(name=name)) from None
        if pixels is None:
            raise
        return pixels, "RAW", none


def _times_smaller(width: int, height: int) -> int:
    """The power of two by which a picture can be reduced and keep `SMALL`."""
    times = 1
    while max(width, height) >= 2 * times * SMALL[0] and min(width, height) >= 2 * times * SMALL[1]:
        times *= 2
    while width * height > times * times * SMALL_PIXELS:
        times *= 2
    return times


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) reduced by the mean of blocks, as a JPEG is that is decoded small; blocks at the edge may be cut."""
    times = _times_smaller(pixels.shape[1], pixels.shape[0])
    if times == 1:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(times))
    planes = [np.asarray(Image.fromarray(pixels[..., c].astype(np.float32)).reduce(times)) for c in range(3)]
    reduced = np.stack(planes, axis=-1)
    return reduced if pixels.dtype.kind == "f" else np.rint(reduced).astype(pixels.dtype)


def _decode_pillow(data: bytes, name: str, small: bool = False) -> tuple[np.ndarray, str, dict]:
    data, profile = bare(data)
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        check_size(name, *image.size)
        if small:
            times = min(_times_smaller(*image.size), 8)
            image.draft(None, (image.width // times, image.height // times))  # only a JPEG heeds it
        if image.format == "PNG" and data[:8] == PNG_MAGIC and data[24] == 16:
            # Pillow opens 16-bit colour PNG at 8 bits.
            import imagecodecs

            pixels = three_channels(imagecodecs.png_decode(data))
        else:
            try:
                rgb = image if image.mode == "RGB" else image.convert("RGB")
                times = _times_smaller(*rgb.size) if small else 1
                pixels = np.asarray(rgb.reduce(times) if times > 1 else rgb)  # before it is an array: three copies
            except OSError:
                if image.format not in ("JPEG", "MPO") or (pixels := _without_end(data)) is None:
                    raise
        orientation, exif = exif_of(image)
        extra = {
            "icc": profile or image.info.get("icc_profile"),
            "exif": exif,
            "jpeg_tables": getattr(image, "quantization", None),
        }
        return turn(pixels, orientation), "JPEG" if image.format == "MPO" else image.format, extra


def _without_end(data: bytes) -> np.ndarray | None:
    """The pixels of a JPEG whose end marker is missing and nothing else; None where pixels are missing too.

    What follows the last pixel's bits changes no pixel: it is decoded with two different ends.
    """
    rest = data.rstrip(b"\xff")
    ends = [
        np.asarray(Image.open(io.BytesIO(rest + bits * 4096 + JPEG_END), formats=("JPEG",)).convert("RGB"))
        for bits in (b"\x00", b"\xaa")
    ]
    return ends[0] if np.array_equal(*ends) else None


def read_bytes(path: Path, name: str) -> bytes:
    """The file's bytes. name: what to call it. Raises MissingScan where there is no such file or it may not be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingScan(f"{name}: no such file; check the path") from None
    except OSError as error:
        raise MissingScan(f"{name}: cannot be read ({error.strerror}); check its kind and permissions") from None
