"""What phones and cameras write by themselves: HEIC and raw files. `decode` says when, and words the errors."""

import io
from collections.abc import Callable

import numpy as np

from .exif import readable

RAW_SUFFIXES = (".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".3fr", ".iiq")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


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


def decode_raw(data: bytes, check_size: Callable[[int, int], None]) -> np.ndarray | None:
    """Develop a camera raw with the camera's own white balance and no automatic brightening.

    check_size: as for `decode_heif`. Returns (H, W, 3) uint16, upright, sRGB; None where LibRaw knows no such camera.
    """
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            check_size(raw.sizes.width, raw.sizes.height)
            return raw.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True)
    except rawpy.LibRawFileUnsupportedError:
        return None
    except rawpy.LibRawError as error:
        raise ValueError(str(error).removeprefix("b").strip("'")) from error
