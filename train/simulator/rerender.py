"""The same film or print as another file, cropped, lit and rendered differently, for `train/fit_gate.py`.

Pictures are (H, W, 3) sRGB 0…1, a kind is an index into `darkroom.film.gate.PICTURE_KINDS`.
"""

import numpy as np
from scipy import ndimage

from darkroom.film.gate import PICTURE_KINDS
from darkroom.film.gate_features import residual_colour
from darkroom.film.scan import Scan

LIGHT = (0.25, 0.12, 0.25, 0.12, 0.25)  # D by which each kind's channels shift when its light has another colour


def rerendered(picture: np.ndarray, kind: int, rng: np.random.Generator) -> Scan:
    """The picture as another file: cropped, perhaps linear at 16 bits as scanners write it; film of both kinds also
    as a phone renders it, a colour negative with another white balance, exposure and gamma."""
    negative, silver = (kind == PICTURE_KINDS.index(name) for name in ("negative", "black_and_white"))
    if rng.random() < 0.5:
        height, width = (int(n * rng.uniform(0.55, 1)) for n in picture.shape[:2])
        top, left = (int(rng.integers(n - k + 1)) for n, k in zip(picture.shape[:2], (height, width), strict=True))
        picture = picture[top : top + height, left : left + width]
    if negative:
        if rng.random() < 0.05:
            picture = half_blank(picture, rng)
        if rng.random() < 0.2:
            picture = muted(picture, rng.uniform(0, 0.9))
        picture = picture * np.exp(rng.choice([0, 0.12, 0.3]) * rng.standard_normal(3)).astype(np.float32)
        picture = picture * min(1, rng.uniform(0.85, 1.1) / np.percentile(picture, 99.5))
        picture = np.clip(picture, 0, 1) ** rng.lognormal(0, 0.1)
    if negative or silver:
        picture = rendered(picture, rng)
    picture = np.clip(picture, 0, 1)
    if rng.random() < (0.12 if negative else 0.03):
        linear = picture**2.2 * rng.uniform(0.08, 0.6)
        return Scan((linear * 65535).astype(np.uint16), "rerendered", b"", "TIFF")
    return Scan((picture * 255 + 0.5).astype(np.uint8), "rerendered", b"", "JPEG")


def rendered(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A phone's rendering of a dim picture: colours so vivid that the weakest channel clips at black, and blotches of
    colour from noise reduction."""
    if rng.random() < 0.2:
        grey = picture.mean(axis=-1, keepdims=True)
        picture = np.clip(grey + (picture - grey) * rng.uniform(1, 2), rng.uniform(0, 0.02), 1)
    if rng.random() < 0.3:
        blotches = ndimage.gaussian_filter(rng.standard_normal(picture.shape), (size := rng.uniform(1, 5), size, 0))
        picture = picture + rng.uniform(0, 0.01) * (blotches - blotches.mean(axis=-1, keepdims=True)) / blotches.std()
    return picture


def muted(negative: np.ndarray, share: float) -> np.ndarray:
    """The negative of a scene with few colours, such as snow or mist: `share`, 0…1, of the colour that does not follow
    brightness is removed. The mask and the contrasts of the layers stay."""
    density = -np.log10(np.maximum(negative, 1 / 255))
    red, green, blue = density.reshape(-1, 3).T
    density[..., [0, 2]] -= share * residual_colour(green, np.stack([red, blue])).T.reshape(*density.shape[:2], 2)
    return 10**-density


def half_blank(negative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The start of a roll: fogged or clear beyond a line."""
    y, x = np.ogrid[-1 : 1 : negative.shape[0] * 1j, -1 : 1 : negative.shape[1] * 1j]
    angle = rng.uniform(0, 6.28)
    beyond = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-0.5, 0.5)) / rng.uniform(0.005, 0.1)
    cover = (1 / (1 + np.exp(-np.clip(beyond, -30, 30))))[..., None]
    clear = np.percentile(negative.reshape(-1, 3), 98, axis=0)
    fogged = clear.mean() * rng.uniform(0.01, 0.15) * rng.lognormal(0, 0.2, 3)
    left = fogged if rng.random() < 0.6 else clear
    return negative * (1 - cover) + left * cover * (1 + 0.02 * rng.standard_normal(negative.shape))


def relit(density: np.ndarray, kind: int, rng: np.random.Generator) -> np.ndarray:
    """The density of the same film in light of another colour, at another gamma; never below 0 D, bare light."""
    density = density * rng.lognormal(0, 0.1) + LIGHT[kind] * rng.standard_normal(3)
    return density - min(0.0, float(np.percentile(density.min(axis=-1), 1)))
