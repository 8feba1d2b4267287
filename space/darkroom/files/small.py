"""Pictures made small while they are decoded, a few rows at a time, so that next to nothing of a large one is held."""

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

SMALL_PIXELS = 4_000_000  # that a picture of any shape has at most when it is decoded small
SMALL = 960, 640  # long and short side that a picture keeps at least when it is decoded small
PART = 1_000_000  # pixels of a large picture that are worked on at once


def times_smaller(width: int, height: int, finer: int = 1) -> int:
    """The power of two by which a picture can be reduced and keep `SMALL`; finer: that divided by it, a power of two
    itself."""
    times = 1
    while max(width, height) >= 2 * times * SMALL[0] and min(width, height) >= 2 * times * SMALL[1]:
        times *= 2
    while width * height > times * times * SMALL_PIXELS:
        times *= 2
    return max(1, times // finer)


def rows_of(height: int, width: int, times: int) -> Iterator[slice]:
    """The rows of a picture in parts of about `PART` pixels, each a whole number of blocks high."""
    rows = times * max(1, PART // (width * times))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def shrunk(pixels: np.ndarray, times: int) -> np.ndarray:
    """(H, W, C) reduced by the mean of blocks, as a JPEG is that is decoded small; blocks at the edge may be cut."""
    if times == 1:
        return pixels
    return np.concatenate([_reduced(pixels[rows], times) for rows in rows_of(pixels.shape[0], pixels.shape[1], times)])


def shrunk_in_parts(parts: Iterable[np.ndarray], times: int, height: int) -> np.ndarray:
    """The same of a picture `height` rows high that comes in parts (rows, W, C) from top to bottom, of any size."""
    whole, rest, row = np.empty(0), [], 0
    for part in parts:
        rest.append(part)
        bottom = row * times + sum(map(len, rest))
        if bottom < min((row + 1) * times, height):
            continue
        joined = np.concatenate(rest) if len(rest) > 1 else part
        cut = len(joined) if bottom >= height else len(joined) // times * times
        reduced = shrunk(joined[:cut], times)
        if row == 0:  # at once: small arrays that stay would lie where the next large one has to
            whole = np.empty((-(-height // times), *reduced.shape[1:]), reduced.dtype)
        whole[row : row + len(reduced)] = reduced
        row += len(reduced)
        rest = [joined[cut:].copy()] if cut < len(joined) else []
    return whole


def shrunk_rgb(image: Image.Image, times: int) -> np.ndarray:
    """(h, w, 3) uint8 of a picture that Pillow has opened, in any of its modes, reduced by the mean of blocks."""
    image.load()
    width, height = image.size
    whole = np.empty((-(-height // times), -(-width // times), 3), np.uint8)
    for rows in rows_of(height, width, times):
        part = image.crop((0, rows.start, width, rows.stop)).convert("RGB")
        whole[rows.start // times : -(-rows.stop // times)] = np.asarray(part if times == 1 else part.reduce(times))
    return whole


def _reduced(pixels: np.ndarray, times: int) -> np.ndarray:
    channels = pixels.shape[-1]
    if pixels.dtype == np.uint8 and channels == 3:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(times))
    planes = [np.asarray(Image.fromarray(pixels[..., c].astype(np.float32)).reduce(times)) for c in range(channels)]
    reduced = np.stack(planes, axis=-1)
    return reduced if pixels.dtype.kind == "f" else np.rint(reduced).astype(pixels.dtype)
