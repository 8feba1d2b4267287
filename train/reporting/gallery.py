"""Small pictures of a frame for the pages that a person reads: negative, positive, and where the model sees damage."""

import base64
import io
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from darkroom.film.inversion import invert
from darkroom.film.scan import Scan

SIDE = 360  # pixels of the longer side


def frame(scan: Scan, heat: np.ndarray | None = None) -> dict[str, Image.Image]:
    """Pictures `negative`, `positive` and, with `heat` (h, w) in 0…1, `heat`: it lies over the greyed positive."""
    # Inverted at twice the size, so that the positive's blur is as fine as it looks at full size.
    negative = _reduced(scan.rgb, 2 * SIDE)
    positive = invert(negative)
    drawn = {"negative": _picture(negative), "positive": _picture(positive)}
    if heat is not None:
        height, width = positive.shape[:2]
        smooth = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
        smooth = np.clip(smooth, 0, 1)[..., None]
        grey = positive.mean(axis=-1, keepdims=True).repeat(3, axis=-1) * 0.8
        lit = grey * (1 - 0.75 * smooth) + colormaps["inferno"](smooth[..., 0])[..., :3] * 0.75 * smooth
        drawn["heat"] = _picture(lit)
    return drawn


def _reduced(rgb: np.ndarray, side: int) -> np.ndarray:
    """Average down so that the longer side is at most `side`; float, so that deep scans keep their depth."""
    height, width = rgb.shape[:2]
    scale = min(1, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    planes = [Image.fromarray(np.ascontiguousarray(rgb[..., c])).resize(size, Image.Resampling.BOX) for c in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def _picture(rgb: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(_reduced(rgb.astype(np.float32), SIDE), 0, 1) * 255).astype(np.uint8))


def uri(picture: Image.Image) -> str:
    """Data URI of a picture, as JPEG."""
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()


def chart(path: Path) -> str:
    """Data URI of a PNG file."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
