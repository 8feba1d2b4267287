"""How visible damage is: on the film, where it is placed, and in the positive, compared with the clean twin."""

from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageCms
from scipy import ndimage

from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan
from simulator.shapes import Damaged, grey

LEAST_DENSITY, DENSITY_MASKED = 0.06, 2.0  # D, and multiple of the texture around: least visible change of density
SEEN = 0.7  # share of the damage that must be seen on the film; with less of it visible another place is tried
TRIES = 6  # places tried before a kind of damage is given up for a frame in which it cannot be seen
NEAR = 0.03  # of the long side, over which the film's texture is measured
LEAST_COLOUR, COLOUR_MASKED = 3.0, 2.0  # CIELAB, and multiple of the lightness' texture: the same in the positive
AROUND = 0.06  # of the long side, over which the positive's texture is measured
CHROMA = 0.5  # weight of a difference of hue or chroma, relative to lightness
SURROUNDINGS = 0.07  # of the long side, within which a change must end to be seen as one
VISIBLE = 400  # sum, over the pixels of a frame, of the squares of what is seen, from which damage is visible


def visibility(clean: np.ndarray, damaged: np.ndarray) -> np.ndarray:
    """(H, W) in 0…1: how visible a change of density, (H, W, 3) to (H, W, 3), is. Texture masks it: a patch that is
    visible in a sky is not damage in foliage."""
    limit = LEAST_DENSITY + DENSITY_MASKED * _texture(grey(clean), NEAR)
    return np.clip(_largest(damaged - clean) / limit, 0, 1)


def placed_visibly(
    apply: Callable[..., Damaged],
    density: np.ndarray,
    base: np.ndarray,
    severity: float,
    rng: np.random.Generator,
    inside: np.ndarray | None = None,
) -> Damaged:
    """Apply damage where it is visible. Returns the new density and the visible coverage; where `TRIES` places hide it,
    the density as it was and zeros. apply … rng: as in `damage.DAMAGE`; inside: (H, W) bool, the film, None: all."""
    for _ in range(TRIES):
        damaged, where = apply(density, base, severity, rng)
        where = where if inside is None else where * inside
        seen = where * visibility(density, damaged)
        if seen.sum() >= SEEN * where.sum() > 0:
            return damaged, seen
    return density, np.zeros_like(where)


def visible_kinds(clean: bytes, damaged: bytes, coverage: np.ndarray) -> np.ndarray:
    """(K,) bool: which kinds of damage a person would point at in the positive.

    clean, damaged: files of a frame without and with damage, alike in all else. coverage: (H, W, K) of the file, where
    each kind is. At each pixel the difference from the twin, as far as it ends nearby, is divided by the least visible
    difference; the squares of the ratios above 1 are summed, so that faint damage must be large (Rose 1948).
    """
    before, after = (_seen(file, coverage.shape[:2]) for file in (clean, damaged))
    change = after - before
    change = change - np.median(change, axis=(0, 1))  # a large hole makes the whole positive lighter or darker
    stands_out = np.minimum(*(np.sqrt(_sum(part**2)) for part in (change, _beyond(change))))
    ratio = stands_out / (LEAST_COLOUR + COLOUR_MASKED * _texture(before[..., 0], AROUND))
    found = np.where(ratio > 1, ratio**2, 0)
    return (found[..., None] * (coverage > 0)).sum(axis=(0, 1)) >= VISIBLE


def _largest(change: np.ndarray) -> np.ndarray:
    """The maximum over the layers, (H, W, 3) -> (H, W); many times faster one by one than over an axis of three."""
    red, green, blue = np.abs(np.moveaxis(change, -1, 0))
    return np.maximum(np.maximum(red, green), blue)


def _sum(layers: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(layers, -1, 0)
    return red + green + blue


def _beyond(change: np.ndarray) -> np.ndarray:
    """Twice the difference of a change, (H, W, 3), from its mean around: at a straight edge, the whole change."""
    side = round(SURROUNDINGS * max(change.shape))
    return 2 * (change - ndimage.uniform_filter(change, (side, side, 1)))


@cache
def _to_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(*map(ImageCms.createProfile, ("sRGB", "LAB")), "RGB", "LAB")


@lru_cache(maxsize=2)  # a frame is compared with as many damaged ones as it takes
def _seen(file: bytes, shape: tuple[int, int]) -> np.ndarray:
    """The positive, resized to `shape` (H, W), in CIELAB, (H, W, 3): slightly blurred, chroma weighted less, as the eye
    sees it."""
    positive = np.rint(invert(open_scan(file).small) * 255).astype(np.uint8)
    picture = Image.fromarray(positive).resize(shape[::-1], Image.Resampling.BOX)
    lightness, *chroma = np.moveaxis(np.asarray(ImageCms.applyTransform(picture, _to_lab())), -1, 0)
    planes = [lightness / 2.55, *(CHROMA * plane.astype(np.int8) for plane in chroma)]  # Pillow's a and b are signed
    return np.stack([ndimage.gaussian_filter(plane.astype(np.float32), 1) for plane in planes], axis=-1)


def _texture(plane: np.ndarray, share: float) -> np.ndarray:
    """Standard deviation of `plane` (H, W) around each pixel, over `share` of the long side."""
    side = round(share * max(plane.shape))
    variance = ndimage.uniform_filter(plane**2, side) - ndimage.uniform_filter(plane, side) ** 2
    return np.sqrt(np.maximum(variance, 0))
