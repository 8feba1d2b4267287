"""A frame with a scanner's infrared, dust and holes on its film, in every file in which scanner programs put it."""

import io
import struct

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from darkroom.film.surface import Surface, surface
from film import eight_bit, frame, sixteen_bit
from test_dng import dng
from test_files import pages

HEIGHT, WIDTH = 340, 510
RGB = frame(HEIGHT, WIDTH, seed=3)
LOW, DEEP = eight_bit(RGB), sixteen_bit(RGB)
CLEAN, DEEPER = 0.65, 0.15  # of the range: transmission of clean film; density of dust
UNSAID = {"extrasamples": ["unspecified"]}


def specks(seed: int = 0, count: int = 40, side: int = 4) -> np.ndarray:
    """(HEIGHT, WIDTH) bool: squares of dust, none at the border, and a scratch."""
    rng = np.random.default_rng(seed)
    marked = np.zeros((HEIGHT, WIDTH), bool)
    for y, x in zip(rng.integers(20, HEIGHT - 20, count), rng.integers(20, WIDTH - 20, count), strict=True):
        marked[y : y + side, x : x + side] = True
    marked[150:280, 60:62] = True
    return marked


def infrared(dust: np.ndarray | None = None, holes: np.ndarray | None = None, seed: int = 1) -> np.ndarray:
    """The infrared of the film of `RGB`, 0…1: noise, a little of the picture, dust, holes."""
    rng = np.random.default_rng(seed)
    density = 0.03 * gaussian_filter(-np.log10(RGB[..., 0]), 2) + rng.normal(0, 0.002, RGB.shape[:2])
    if dust is not None:
        density = density + DEEPER * dust
    if holes is not None:
        density = density - 0.05 * holes
    return CLEAN * 10**-density


def with_infrared(rgb: np.ndarray, plane: np.ndarray) -> np.ndarray:
    full = np.iinfo(rgb.dtype).max
    return np.concatenate([rgb, np.rint(plane * full).astype(rgb.dtype)[..., None]], -1)


def tiff(pixels: np.ndarray, **options) -> bytes:
    return pages((pixels, UNSAID | options))


def shares(data: bytes, name: str = "scan.tif") -> Surface:
    return surface(Film(open_scan(data, name)))


def called_mask(data: bytes) -> bytes:
    """The file with its last page declared as a mask, as SilverFast declares infrared and tifffile cannot."""
    page, mask = (struct.pack("<HHII", 254, 4, 1, kind) for kind in (2, 4))
    assert data.count(page) == 1
    return data.replace(page, mask)


def saved(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


PAGE = {"subfiletype": 2}
DUSTY = infrared(specks())
SHARE = specks().mean()
DEEP_DUSTY = np.rint(DUSTY * 65535).astype(np.uint16)
FILES = {
    "fourth sample, 16 bits": tiff(with_infrared(DEEP, DUSTY)),
    "fourth sample, 8 bits": tiff(with_infrared(LOW, DUSTY)),
    "fourth sample of which nothing is said, packed": tiff(
        with_infrared(DEEP, DUSTY), compression="lzw", predictor=True, rowsperstrip=7
    ),
    "fourth plane": tiff(np.ascontiguousarray(np.moveaxis(with_infrared(DEEP, DUSTY), -1, 0)), planarconfig="separate"),
    "tiles": tiff(with_infrared(DEEP, DUSTY), compression="zlib", tile=(64, 64)),
    "second page": pages((DEEP, {}), (DEEP_DUSTY, {})),
    "third page, behind a thumbnail": called_mask(pages((DEEP, {}), (LOW[::4, ::4], {}), (DEEP_DUSTY, PAGE))),
    "DNG of four samples": dng(with_infrared(DEEP, DUSTY)),
    "DNG of four planes": dng(np.ascontiguousarray(np.moveaxis(with_infrared(DEEP, DUSTY), -1, 0))),
}
