"""JPEG XL, JPEG 2000 and AVIF, at full depth. Their size is read from their headers, before they are decoded."""

import io
import struct

import numpy as np
from PIL import Image

from .limits import UnreadableScan, check_memory, check_size
from .pixels import full_depth, three_channels

JXL_MAGIC, JXL_BOXES = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
JP2_MAGIC, JP2_BOXES = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"
AVIF_BRANDS = (b"avif", b"avis")
AVIF_PIXEL, J2K_PIXEL, JXL_PIXEL = 15, 16, 12  # bytes that the decoders take for a pixel of the whole picture
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height, as JPEG XL numbers them from 1


def modern_kind(data: bytes) -> str:
    """Which of them the bytes begin as: "JPEG XL", "JPEG 2000", "AVIF", or "" for anything else."""
    if data.startswith((JXL_MAGIC, JXL_BOXES)):
        return "JPEG XL"
    if data.startswith((JP2_MAGIC, JP2_BOXES)):
        return "JPEG 2000"
    return "AVIF" if data[4:8] == b"ftyp" and data[8:12] in AVIF_BRANDS else ""


def decode_modern(data: bytes, name: str) -> tuple[np.ndarray, dict[str, bytes | None]]:
    """Decode one of `modern_kind`, upright. Returns (H, W, 3) uint8, uint16 or float32 and {"icc", "exif"}.

    Raises ScanError, or what the decoders raise for broken bytes.
    """
    import imagecodecs

    kind = modern_kind(data)
    found: dict[str, bytes | None] = {"icc": None, "exif": None}
    if kind == "JPEG XL":
        width, height = jxl_size(data)
        check_size(name, width, height)
        check_memory(name, len(data) + width * height * JXL_PIXEL)
        pixels = imagecodecs.jpegxl_decode(data, index=0)
    elif kind == "JPEG 2000":
        width, height, bits = _jp2_header(data)
        check_size(name, width, height)
        check_memory(name, len(data) + width * height * J2K_PIXEL)
        pixels = full_depth(imagecodecs.jpeg2k_decode(data), bits)
    else:
        with Image.open(io.BytesIO(data), formats=("AVIF",)) as image:
            check_size(name, *image.size)
            check_memory(name, len(data) + image.width * image.height * AVIF_PIXEL)
            found = {"icc": image.info.get("icc_profile"), "exif": None}
            eight = np.asarray(image.convert("RGB"))  # turned as the container says
        at = data.find(b"pixi")  # version, channels, bits of each
        bits = data[at + 9] if 0 <= at < len(data) - 9 else 8
        pixels = eight if bits <= 8 else full_depth(imagecodecs.avif_decode(data, index=0), bits)
    if pixels.dtype.kind == "f" and not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN is neither
        raise UnreadableScan(f"{name}: floating-point pixels must lie in 0…1; export it as 16-bit")
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    return three_channels(pixels), found


def jxl_size(data: bytes) -> tuple[int, int]:
    """Width and height from the header of JPEG XL, bare or in boxes (ISO/IEC 18181-1, 18181-2)."""
    if data.startswith(JXL_BOXES):
        data = _codestream(data)
    if not data.startswith(JXL_MAGIC):
        raise ValueError("no JPEG XL")
    bits = int.from_bytes(data[2:16], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    height, ratio = side(), take(3)
    if not ratio:
        return side(), height
    across, down = RATIOS[ratio - 1]
    return height * across // down, height


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG of any kind, lossless ones of 16 bits too, from its frame header (ITU-T T.81, SOF);
    None for anything else."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # fills up
            at += 1
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # those are tables, and one without a meaning
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _codestream(data: bytes) -> bytes:
    """The first bytes of the picture in its boxes."""
    at = 0
    for _ in range(1000):
        size, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        if kind in (b"jxlc", b"jxlp"):
            begin += 4 if kind == b"jxlp" else 0  # the number of the part
            return data[begin : begin + 16]
        if size < 8:
            break
        at += size
    raise ValueError("no picture in it")


def _jp2_header(data: bytes) -> tuple[int, int, int]:
    """Width, height and bits a channel from the header of JPEG 2000 (ISO/IEC 15444-1, marker SIZ)."""
    at = data.index(JP2_MAGIC) + 8  # behind the two markers, length and capabilities
    right, lower, left, upper = struct.unpack_from(">4I", data, at)
    bits = (data[at + 34] & 0x7F) + 1
    return right - left, lower - upper, bits
