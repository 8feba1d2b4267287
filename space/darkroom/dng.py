"""Raw pictures that LibRaw does not read as they are: unpacked from JPEG XL, infrared left out.

Scanner programs write red, green, blue and infrared into one picture of a DNG; phones pack theirs as JPEG XL.
"""

import io
from pathlib import Path

import numpy as np
import tifffile
from tifffile import TiffTag

from .limits import check_memory
from .small import shrunk_in_parts, times_smaller
from .strips import largest_part, parts_of, samples_last
from .tiff import JPEG_XL, check_page, opened_tiff, raw_page

# What of a DNG says how its numbers become colours, and which of them are the picture.
COPIED = (
    *(271, 272, 274),  # make, model, orientation
    *(33421, 33422, 50706, 50707, 50708, 50710, 50711),  # colour filters, version, camera
    *(50712, 50713, 50714, 50717, 50719, 50720, 50829),  # levels, crop
    *(50721, 50722, 50723, 50724, 50727, 50728, 50729, 50778, 50779, 50964, 50965),  # colour
)
PLACES = (50719, 50720, 50829)  # of them those in pixels
BY_SAMPLE = {50714: 1, 50717: 1, 50721: 3, 50722: 3, 50723: 3, 50724: 3, 50727: 1, 50728: 1, 50964: 3, 50965: 3}


def plain_dng(source: bytes | Path, name: str, small: bool = False) -> bytes | None:
    """The same raw picture as a DNG that LibRaw reads: unpacked, and in three samples where there were more, since what
    follows red, green and blue is infrared. None where it is such a one already. Raises ScanError.

    small: reduced as `small.times_smaller` says, where each pixel has all its colours: LibRaw holds four copies."""
    with opened_tiff(source) as tiff:
        raw = raw_page(tiff)
        if raw is None:
            return None
        colours = raw.samplesperpixel >= 3
        times = times_smaller(raw.imagewidth, raw.imagelength) if small and colours else 1
        if times == 1 and raw.samplesperpixel <= 3 and raw.compression not in JPEG_XL:
            return None
        check_page(raw, name)
        check_memory(name, largest_part(raw) if times > 1 else 3 * raw.nbytes)  # those are in a file, too
        pixels = shrunk_in_parts(parts_of(raw), times, raw.imagelength) if times > 1 else samples_last(raw)
        first, tags = tiff.pages[0], {}
        for page in (first, raw):
            tags |= {
                tag.code: tag for tag in page.tags if tag.code in COPIED and (times == 1 or tag.code not in PLACES)
            }
        kept = [(tag.code, tag.dtype, *_of_three(tag, raw.samplesperpixel), True) for tag in tags.values()]
    if pixels.ndim == 3:
        pixels = pixels[..., :3]
    out = io.BytesIO()
    tifffile.imwrite(
        out,
        np.ascontiguousarray(pixels),
        photometric=raw.photometric,
        planarconfig="contig" if pixels.ndim == 3 else None,
        extratags=kept,
        metadata=None,
        software=None,
    )
    return out.getvalue()


def _of_three(tag: TiffTag, samples: int) -> tuple[int, object]:
    """(count, value) of a tag; of one that has so many values a sample, those of the first three."""
    # Rationals are two numbers each.
    values = tag.value if isinstance(tag.value, tuple) else (tag.value,)
    each = BY_SAMPLE.get(tag.code, 0) * (len(values) // tag.count if tag.count else 1)
    if samples > 3 and each and len(values) == each * samples:
        return BY_SAMPLE[tag.code] * 3, values[: each * 3]
    return tag.count, tag.value
