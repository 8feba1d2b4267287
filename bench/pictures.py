"""Drawn photographs, as large as people's files are."""

from pathlib import Path

import numpy as np
from PIL import Image


def photograph(path: Path, seed: int, size: tuple[int, int] = (4000, 3000)) -> Path:
    """A negative of 12 megapixels or another size (width, height), as a JPEG of about 2 bits a pixel: an orange film
    with a scene and grain."""
    rng, (width, height) = np.random.default_rng(seed), size
    coarse = rng.uniform(0.2, 0.8, (30, 40, 3)) * (0.9, 0.6, 0.4)
    scene = np.asarray(Image.fromarray((coarse * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC))
    grain = rng.integers(-4, 5, (height, width, 1), dtype=np.int16)
    Image.fromarray((scene + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return path
