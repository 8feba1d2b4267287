"""Arrays of pixels as decoders leave them, made (H, W, 3), upright, and whole in their depth."""

import numpy as np


def three_channels(pixels: np.ndarray) -> np.ndarray:
    """(H, W), (H, W, 1 or 2: grey, alpha) or (H, W, 3 or more: RGB, alpha or infrared) -> (H, W, 3)."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.repeat(pixels[..., :1], 3, axis=-1) if pixels.shape[-1] < 3 else pixels[..., :3]


def full_depth(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Whole numbers of `bits` bits spread over all that their type can hold: 10, 12 or 14 bits become 16."""
    if pixels.dtype.kind != "u" or bits >= 8 * pixels.dtype.itemsize:
        return pixels
    full = np.iinfo(pixels.dtype).max / (2**bits - 1)
    return np.rint(pixels * full).astype(pixels.dtype)


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo EXIF orientation 1…8: mirrored when even below 5 and odd above, turned by quarters."""
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarters))
