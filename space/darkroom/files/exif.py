"""What camera or scanner say of a picture in its file: EXIF.

The picture is there, and is worth more than its data: EXIF that cannot be read is left out.
"""

import io
from pathlib import Path

from PIL import Image

EXIF_ORIENTATION = 274
EXIF_TEXTS = (270, 271, 272, 306, 315, 33432)  # description, make, model, time, artist, copyright
EXIF_CAMERA = 34665  # the directory with exposure, lens, time of the picture…
LARGEST_EXIF = 65_000  # bytes; a JPEG holds no more
MAKER_NOTE, INTEROPERABILITY = 37500, 40965  # hold offsets into their own file, which are wrong in another


def readable(data: bytes | None) -> bytes | None:
    """EXIF as it is; None where there is none, or it cannot be read, or is more than a JPEG holds."""
    exif = Image.Exif()
    try:
        exif.load(data or b"")
        size = max(len(data or b""), len(exif.tobytes()))
    except Exception:  # Pillow raises whatever it likes on broken bytes
        return None
    return data if data and size < LARGEST_EXIF else None


def exif_of(image: Image.Image) -> tuple[int, bytes | None]:
    """Orientation and EXIF of a picture that Pillow has opened; 1 and None where they cannot be read."""
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:
        return 1, None
    return orientation, readable(image.info.get("exif"))


def exif_of_tiff(source: bytes | Path) -> bytes | None:
    """What camera or scanner say of themselves in a TIFF, as EXIF; None without it, or where it cannot be read."""
    found, kept = Image.Exif(), Image.Exif()
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            found.load_from_fp(file)  # EXIF has the structure of a TIFF
            kept.update({tag: found[tag] for tag in EXIF_TEXTS if tag in found})
            camera = found.get_ifd(EXIF_CAMERA)
            for tag in set(camera) - {MAKER_NOTE, INTEROPERABILITY}:
                kept.get_ifd(EXIF_CAMERA)[tag] = camera[tag]
        exif = kept.tobytes() if len(kept) or kept.get_ifd(EXIF_CAMERA) else b""
    except Exception:
        return None
    return exif if 0 < len(exif) < LARGEST_EXIF else None
