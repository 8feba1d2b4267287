"""How many frames a file holds."""

import io
from pathlib import Path

from .camera import TIFF_MAGIC


def count_frames(source: Path | bytes) -> int:
    """How many frames a file holds, by its directories alone.

    1 except for a TIFF of several pages; also 1 for a file that cannot be read, which is reported when it is opened.
    """
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
            if file.read(4) not in TIFF_MAGIC:
                return 1
            from .tiff import frames_in

            file.seek(0)
            return frames_in(file)
    except Exception:  # decoders raise whatever they like on broken bytes
        return 1
