"""Turn the bytes of a picture file into an array, at full bit depth, or say in one sentence why not.

Files are hostile until decoded: the size in pixels is read from the header and checked before any pixel is.
"""

import io
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from .camera import RAW_SUFFIXES, decode_heif, decode_raw, is_heif
from .exif import EXIF_ORIENTATION, exif_of, exif_of_tiff

MAX_PIXELS = 120_000_000  # a 6×7 cm frame at 4,000 dpi is 105 megapixels
MAX_BYTES = 12 * MAX_PIXELS  # of a TIFF, or of one of its tiles, unpacked: three layers of 32 bits, or five of 16
MIN_SIDE = 16  # nothing smaller shows a frame
LONGEST = 40  # times its other side; a whole roll in one strip is no longer
SMALL_PIXELS = 8_000_000  # that a picture of any shape has at most when it is decoded small
SMALL = 960, 640  # long and short side that a picture keeps at least when it is decoded small
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", *RAW_SUFFIXES)
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

# Over the limit Pillow only warns, up to twice the limit; a warning does not stop a bomb.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class ScanError(ValueError):
    """A file that cannot be judged; the message names it, says what is wrong and what to do."""


class MissingScan(ScanError):
    """There is no such file, or it may not be read."""


class EmptyScan(ScanError):
    """The file has no bytes, or no picture worth the name."""


class UnreadableScan(ScanError):
    """The bytes are no picture of a kind we know, or the picture is broken."""


class ScanTooLarge(ScanError):
    """More pixels than `MAX_PIXELS`."""


def decode(data: bytes, name: str, *, small: bool = False) -> tuple[np.ndarray, str, dict]:
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
        if name.lower().endswith(RAW_SUFFIXES):  # most of them look like TIFF, with a thumbnail first
            pixels, kind, extra = _decode_raw(data, name)
        elif is_heif(data):
            pixels, extra = decode_heif(data, partial(_check_size, name))
            kind, extra = "HEIC", extra | {"jpeg_tables": None}
        elif data[:4] in TIFF_MAGIC:
            pixels, kind, extra = _decode_tiff(data, name)
            extra |= {"exif": exif_of_tiff(data)}
        else:
            pixels, kind, extra = _decode_pillow(data, name, small)
        if small:
            pixels = _shrunk(pixels)
    except ScanError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ScanTooLarge(_too_large(name)) from None
    except UnidentifiedImageError:
        kinds = "JPEG, PNG, TIFF, WebP, HEIC or a camera raw"
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


def _too_large(name: str, width: int = 0, height: int = 0) -> str:
    size = f"{width} × {height} pixels are" if width else "its pixels are"
    return f"{name}: {size} more than {MAX_PIXELS // 1_000_000} megapixels; reduce it and try again"


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ScanTooLarge(_too_large(name, width, height))
    if max(width, height) > LONGEST * max(min(width, height), MIN_SIDE):
        raise EmptyScan(f"{name}: {width} × {height} pixels are too narrow to show a frame; crop it to one")


def _decode_raw(data: bytes, name: str) -> tuple[np.ndarray, str, dict]:
    pixels = decode_raw(data, partial(_check_size, name))
    if pixels is None:
        raise UnreadableScan(f"{name}: not a camera raw we can open; export it as 16-bit TIFF")
    return pixels, "RAW", {"icc": None, "exif": None, "jpeg_tables": None}


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
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_size(name, *image.size)
        if small:
            times = min(_times_smaller(*image.size), 8)
            image.draft(None, (image.width // times, image.height // times))  # only a JPEG heeds it
        if image.format == "PNG" and data[:8] == PNG_MAGIC and data[24] == 16:
            # Pillow opens 16-bit colour PNG at 8 bits.
            import imagecodecs

            pixels = _three_channels(imagecodecs.png_decode(data))
        else:
            rgb = image if image.mode == "RGB" else image.convert("RGB")
            times = _times_smaller(*rgb.size) if small else 1
            pixels = np.asarray(rgb.reduce(times) if times > 1 else rgb)  # before it is an array: that is three copies
        orientation, exif = exif_of(image)  # after its pixels: a TIFF is turned as they are read
        extra = {
            "icc": image.info.get("icc_profile"),
            "exif": exif,
            "jpeg_tables": getattr(image, "quantization", None),
        }
        return _turn(pixels, orientation), "JPEG" if image.format == "MPO" else image.format, extra


def _decode_tiff(data: bytes, name: str) -> tuple[np.ndarray, str, dict]:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages[0]
        _check_size(name, page.imagewidth, page.imagelength)
        _check_size(name, page.tilewidth, page.tilelength)  # each is unpacked whole, whatever the picture's size
        if page.dtype is None or page.bitspersample <= 8:
            # Palette, CMYK, YCbCr and 1-bit TIFF: Pillow knows their colours.
            return _decode_pillow(data, name)
        area = max(page.imagewidth * page.imagelength, page.tilewidth * page.tilelength)
        if area * page.imagedepth * page.samplesperpixel * page.dtype.itemsize > MAX_BYTES or page.tiledepth > 1:
            raise ScanTooLarge(f"{name}: too many layers or bits a pixel to unpack; export it as 16-bit RGB")
        pixels = page.asarray()
        if "S" in page.axes and page.axes[0] == "S":  # planes one after another
            pixels = np.moveaxis(pixels, 0, -1)
        if pixels.dtype.kind == "u" and page.bitspersample < 8 * pixels.dtype.itemsize:  # 10, 12 or 14 bits
            full = np.iinfo(pixels.dtype).max / (2**page.bitspersample - 1)
            pixels = np.rint(pixels * full).astype(pixels.dtype)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            pixels = pixels.max() - pixels if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max - pixels
        elif page.photometric == tifffile.PHOTOMETRIC.SEPARATED:
            pixels = _rgb_from_cmyk(pixels)
        orientation = page.tags[EXIF_ORIENTATION].value if EXIF_ORIENTATION in page.tags else 1
        icc = page.tags[34675].value if 34675 in page.tags else None
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise UnreadableScan(f"{name}: some pixels are not numbers (NaN or infinite); export it again")
        if pixels.min() < 0 or pixels.max() > 1:
            raise UnreadableScan(f"{name}: floating-point pixels must lie in 0…1; export it as 16-bit")
        pixels = pixels.astype(np.float32)
    elif pixels.dtype.itemsize > 2:
        pixels = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    return _turn(_three_channels(pixels), int(orientation)), "TIFF", {"icc": icc, "exif": None, "jpeg_tables": None}


def _rgb_from_cmyk(pixels: np.ndarray) -> np.ndarray:
    full = np.iinfo(pixels.dtype).max
    ink = pixels.astype(np.float64) / full
    return np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:4]) * full).astype(pixels.dtype)


def _three_channels(pixels: np.ndarray) -> np.ndarray:
    """(H, W), (H, W, 1 or 2: grey, alpha) or (H, W, 3 or more: RGB, alpha or infrared) -> (H, W, 3)."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.repeat(pixels[..., :1], 3, axis=-1) if pixels.shape[-1] < 3 else pixels[..., :3]


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo EXIF orientation 1…8: mirrored when even below 5 and odd above, turned by quarters."""
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def read_bytes(path: Path, name: str) -> bytes:
    """The file's bytes. name: what to call it. Raises MissingScan where there is no such file or it may not be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingScan(f"{name}: no such file; check the path") from None
    except OSError as error:
        raise MissingScan(f"{name}: cannot be read ({error.strerror}); check its kind and permissions") from None
