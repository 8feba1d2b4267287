"""What phones and cameras write by themselves: HEIC and raw files. `decode` says when, and words the errors."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .exif import readable
from .limits import check_memory, check_size
from .pixels import three_channels
from .small import times_smaller

RAW_SUFFIXES = tuple(
    ".dng .nef .nrw .crw .cr2 .cr3 .arw .sr2 .srf .raf .orf .rw2 .raw .rwl .rwz .pef .ptx .srw .3fr .fff .iiq .cap "
    ".mos .mef .mrw .mdc .erf .kdc .kc2 .k25 .dcr .dcs .drf .x3f .gpr .bay .ari .sti .cs1 .qtk .pxn".split()
)
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RAW_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"II\x1a\0\0\0HEAPCCDR", b"\0MRM", b"FOVb")
HALF_PIXEL, RAW_PIXEL = 7, 24  # bytes that LibRaw takes for a pixel of the whole picture
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_tiff(source: bytes | Path) -> bool:
    """Whether a file begins as a TIFF."""
    if isinstance(source, bytes):
        return source[:4] in TIFF_MAGIC
    with source.open("rb") as file:
        return file.read(4) in TIFF_MAGIC


def is_heif(data: bytes) -> bool:
    """Whether the bytes begin as HEIC or HEIF."""
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def looks_raw(data: bytes) -> bool:
    """Whether the bytes begin as a raw that is no TIFF: Fujifilm, Olympus, Panasonic, Canon, Minolta, Sigma."""
    return data.startswith(RAW_MAGIC) or data[4:12] == b"ftypcrx "


def decode_heif(data: bytes, check_size: Callable[[int, int], None]) -> tuple[np.ndarray, dict[str, bytes | None]]:
    """Decode HEIC or HEIF, upright: libheif turns it as the container says.

    check_size: raises for a width and height that are too large; asked before any pixel is decoded.
    Returns (H, W, 3) uint8, or uint16 for 10 and 12 bits, and {"icc", "exif"}.
    """
    import pillow_heif

    picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    check_size(*picture.size)
    pixels = np.asarray(picture)
    pixels = np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels[..., :3]
    return pixels, {"icc": picture.info.get("icc_profile"), "exif": readable(picture.info.get("exif"))}


def decode_raw(source: bytes | Path, name: str, small: int = 0) -> np.ndarray | None:
    """Develop a camera's or scanner's raw with the camera's own white balance and no automatic brightening.

    small: at half its size, where that is enough: each four pixels of a sensor become one.

    Returns (H, W, 3) uint16, upright, coded as sRGB; None where LibRaw knows no such camera. Raises ScanError, and
    ValueError for a broken one.
    """
    import rawpy

    if is_tiff(source):
        from .dng import plain_dng

        source = plain_dng(source, name, small) or source
    try:
        with rawpy.imread(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            flat = raw.raw_type == rawpy.RawType.Flat
            half = small > 0 and flat and times_smaller(width, height, small) > 1
            check_size(name, width, height)
            check_memory(name, width * height * (HALF_PIXEL if half else RAW_PIXEL))
            developed = raw.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True, half_size=half)
            return three_channels(developed)
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError):
        return None
    except rawpy.LibRawError as error:
        raise ValueError(str(error).removeprefix("b").strip("'")) from error
