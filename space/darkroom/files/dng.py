"""Raw pictures that LibRaw does not read as they are: unpacked, in one plane, infrared left out.

Scanner programs write red, green, blue and infrared into one picture of a DNG, one plane after another, packed as TIFF
are; phones pack theirs as JPEG XL.
"""

import io
import struct
from pathlib import Path

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC, PLANARCONFIG, TiffFile, TiffPage, TiffTag

from .limits import check_memory
from .small import shrunk_in_parts, times_smaller
from .tiff import JPEG_XL, check_page, opened_tiff, raw_page
from .tiff_strips import largest_part, parts_of, samples_last

# Tags of a DNG that define how its numbers become colours, and which of them are the picture.
COPIED = (
    *(271, 272, 274),  # make, model, orientation
    *(33421, 33422, 50706, 50707, 50708, 50710, 50711),  # colour filters, version, camera
    *(50712, 50713, 50714, 50717, 50719, 50720, 50829),  # levels, crop
    *(50721, 50722, 50723, 50724, 50727, 50728, 50729, 50778, 50779, 50964, 50965),  # colour
)
WHITE_LEVEL = 50717
# How TIFF are packed, which LibRaw does not unpack in a raw.
PACKED = (COMPRESSION.LZW, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE, COMPRESSION.PACKBITS, COMPRESSION.ZSTD)
PLACES = (50719, 50720, 50829)  # those of them that are in pixels
BY_SAMPLE = {50714: 1, 50717: 1, 50721: 3, 50722: 3, 50723: 3, 50724: 3, 50727: 1, 50728: 1, 50964: 3, 50965: 3}


def plain_dng(source: bytes | Path, name: str, small: int = 0) -> bytes | None:
    """The same raw picture as a DNG that LibRaw reads: unpacked, and in three samples where there were more, since what
    follows red, green and blue is infrared. None where it is such a one already. Raises ScanError.

    small: reduced as `small.times_smaller` says, where each pixel has all its colours: LibRaw holds four copies."""
    with opened_tiff(source) as tiff:
        raw = raw_page(tiff)
        if raw is None:
            return None
        colours = raw.samplesperpixel >= 3
        times = times_smaller(raw.imagewidth, raw.imagelength, small) if small and colours else 1
        if times == 1 and _by_libraw(raw, tiff):
            return None
        check_page(raw, name)
        check_memory(name, largest_part(raw) if times > 1 else 3 * raw.nbytes)  # those are in a file, too
        whole = raw.compression in JPEG_XL  # the levels that others name are of their own bits
        parts = parts_of(raw, whole=whole)
        pixels = shrunk_in_parts(parts, times, raw.imagelength) if times > 1 else samples_last(raw, whole=whole)
        tags: dict[int, TiffTag] = {}
        for page in (tiff.pages.first, raw):
            tags |= {
                tag.code: tag for tag in page.tags if tag.code in COPIED and (times == 1 or tag.code not in PLACES)
            }
        kept: list[tuple[int, int | str, int, object, bool]] = [
            (tag.code, tag.dtype, *_of_three(tag, raw.samplesperpixel), True) for tag in tags.values()
        ]
    if WHITE_LEVEL not in tags and pixels.dtype.kind == "u":
        samples = min(raw.samplesperpixel, 3)
        kept.append((WHITE_LEVEL, "I", samples, (2**raw.bitspersample - 1,) * samples, True))
    grey = pixels.ndim == 2 and raw.photometric == PHOTOMETRIC.LINEAR_RAW
    out = io.BytesIO()
    tifffile.imwrite(
        out,
        np.ascontiguousarray(pixels[..., :3] if pixels.ndim == 3 else pixels),
        byteorder="<",
        photometric=PHOTOMETRIC.MINISBLACK if grey else raw.photometric,
        planarconfig="contig" if pixels.ndim == 3 else None,
        extratags=kept,
        metadata=None,
        software=None,
    )
    if grey:  # tifffile writes no grey one
        black, linear = (struct.pack("<HHIHH", 262, 3, 1, kind, 0) for kind in (1, raw.photometric))
        return out.getvalue().replace(black, linear, 1)
    return out.getvalue()


def _by_libraw(raw: TiffPage, tiff: TiffFile) -> bool:
    if raw.samplesperpixel > 3 or raw.compression in JPEG_XL:
        return False
    packed = raw.compression in PACKED and raw.dtype is not None and raw.dtype.kind == "u"  # it unpacks floats
    planes = raw.samplesperpixel > 1 and raw.planarconfig == PLANARCONFIG.SEPARATE
    return not (packed or planes or tiff.is_bigtiff)


def _of_three(tag: TiffTag, samples: int) -> tuple[int, object]:
    """(count, value) of a tag; of one that has so many values a sample, those of the first three."""
    # Rationals are two numbers each.
    values = tag.value if isinstance(tag.value, tuple) else (tag.value,)
    each = BY_SAMPLE.get(tag.code, 0) * (len(values) // tag.count if tag.count else 1)
    if samples > 3 and each and len(values) == each * samples:
        return BY_SAMPLE[tag.code] * 3, values[: each * 3]
    return tag.count, tag.value
