"""What phones and cameras write by themselves: HEIC and raw files. `decode` says when, and words the errors."""

import io
from collections.abc import Callable

import numpy as np

from .exif import readable
from .limits import check_size
from .pixels import three_channels

RAW_SUFFIXES = tuple(
    ".dng .nef .nrw .crw .cr2 .cr3 .arw .sr2 .srf .raf .orf .rw2 .raw .rwl .rwz .pef .ptx .srw .3fr .fff .iiq .cap "
    ".mos .mef .mrw .mdc .erf .kdc .kc2 .k25 .dcr .dcs .drf .x3f .gpr .bay .ari .sti .cs1 .qtk .pxn".split()
)
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RAW_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"II\x1a\0\0\0HEAPCCDR", b"\0MRM", b"FOVb")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def looks_raw(data: bytes) -> bool:
    """Whether the bytes begin as a raw that is no TIFF: Fujifilm, Olympus, Panasonic, Canon, Minolta, Sigma."""
    return data.startswith(RAW_MAGIC) or data[4:12] == b"ftypcrx "


def decode_heif(data: bytes, check_size: Callable[[int, int], None]) -> tuple[np.ndarray, dict]:
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


def decode_raw(data: bytes, name: str) -> np.ndarray | None:
    """Develop a camera's or scanner's raw with the camera's own white balance and no automatic brightening.

    Returns (H, W, 3) uint16, upright, coded as sRGB; None where LibRaw knows no such camera. Raises ScanError, and
    ValueError for a broken one.
    """
    import rawpy

    if data[:4] in TIFF_MAGIC:
        from .dng import plain_dng

        data = plain_dng(data, name) or data
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            check_size(name, raw.sizes.width, raw.sizes.height)
            return three_channels(raw.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True))
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError):
        return None
    except rawpy.LibRawError as error:
        raise ValueError(str(error).removeprefix("b").strip("'")) from error
