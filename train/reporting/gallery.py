"""Small pictures of a frame for the pages that a person reads: negative, positive, and where the model sees damage."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from darkroom.film.preview import mark, negative_view, positive_view, reduce
from darkroom.film.scan import Scan

SIDE = 360  # pixels of the longer side
PICTURES = ("negative", "positive", "heat")


def frame(scan: Scan, heat: np.ndarray | None = None) -> dict[str, Image.Image]:
    """Pictures `negative`, `positive` and, with `heat` (h, w) in 0…1, `heat`: the positive, marked as on the page."""
    # Inverted at twice the size, so that the positive's blur is as fine as it looks at full size.
    negative = reduce(scan, 2 * SIDE)
    positive = positive_view(negative)
    drawn = {"negative": negative_view(negative), "positive": positive}
    if heat is not None:
        drawn["heat"] = mark(positive, heat)
    return {name: _small(picture) for name, picture in drawn.items()}


def _small(picture: np.ndarray) -> Image.Image:
    small = Image.fromarray(picture)
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=None)
    return small


def uri(picture: Image.Image) -> str:
    """Data URI of a picture, as JPEG."""
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()


def chart(path: Path) -> str:
    """Data URI of a PNG file."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
