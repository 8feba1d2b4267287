"""From a photograph to the density of a developed C-41 negative. Densities are −log10 of transmitted linear light.

The numbers are published profile data of a consumer ISO 200 film. Arrays are (H, W, 3) float32; their channels are the
red, green and blue light that a scanner measures, so channel 0 is the cyan layer, 1 the magenta, 2 the yellow.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BASE = np.array([0.25, 0.64, 0.97], np.float32)  # the orange mask: unexposed, developed film
RANGE = np.array([1.80, 1.70, 1.90], np.float32)  # densest above the base
LAYER = np.array([1.00, 1.03, 1.15], np.float32)  # contrast of the layers against each other
SLOPE = 0.15  # D a stop on the straight line
SPEED_POINT = 4.3  # stops below mid-grey at which the toe begins
TOE = 0.8  # stops, softness of a nominal film's toe
MID_GREY = 0.18


@dataclass(frozen=True)
class FilmStock:
    """One roll. base: (3,) density. contrast: (3,) of the straight lines, 1 is nominal. toe: softness in stops. leak:
    (3, 3), how much each layer's image shows in the others. grain: standard deviation of D at D = 1 above base;
    grain_size: in pixels."""

    base: np.ndarray
    contrast: np.ndarray
    toe: float
    leak: np.ndarray
    grain: float
    grain_size: float


def film_stock(rng: np.random.Generator) -> FilmStock:
    """A random film stock: mask, contrast, grain and purity of the layers vary between makers."""
    leak = rng.uniform(-0.14, 0.06, (3, 3)).astype(
        np.float32
    )  # below 0: a layer inhibits the development of its neighbour
    np.fill_diagonal(leak, 1)
    return FilmStock(
        base=(BASE * rng.uniform(0.75, 1.25) * rng.uniform(0.88, 1.12, 3)).astype(np.float32),
        contrast=rng.uniform(0.8, 1.2) * rng.lognormal(0, 0.08, 3),
        toe=rng.uniform(0.6, 1.0),
        leak=leak / leak.sum(axis=1, keepdims=True),
        grain=rng.uniform(0.012, 0.06),
        grain_size=rng.uniform(0.3, 0.8),
    )


def linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values 0…1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def curve(stops: np.ndarray, contrast: np.ndarray, toe: float, most: np.ndarray) -> np.ndarray:
    """Density above base of an exposure in stops from mid-grey: a toe, a straight line, a shoulder that ends at
    `most`."""
    line = SLOPE * contrast * toe * np.logaddexp(0, (stops + SPEED_POINT) / toe)
    return most * (1 - np.exp(-((line / most) ** 3))) ** (1 / 3)


# A nominal film, tabulated: (3, N) density above base of evenly spaced stops, and stops of evenly spaced densities.
STOPS = np.linspace(-10, 14, 2048)
NOMINAL = np.stack([curve(STOPS, LAYER[c], TOE, RANGE[c]) for c in range(3)])
ABOVE = np.linspace(0, 1.9, 2048)
INVERSE = np.stack([np.interp(ABOVE, NOMINAL[c], STOPS) for c in range(3)])


def stops_of(density: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Exposure that gave a density, (H, W, 3), in stops from mid-grey: the inverse of `curve` for a nominal film."""
    return _looked_up(density - base, ABOVE, INVERSE)


def expose_again(density: np.ndarray, base: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The density, (H, W, 3), with additional light before development. light: (H, W, 3), 1 is the exposure of
    mid-grey. Shadows gain most; dense parts change little."""
    before = stops_of(density, base)
    after = np.log2(2**before + light)
    return density + _looked_up(after, STOPS, NOMINAL) - _looked_up(before, STOPS, NOMINAL)


def _looked_up(values: np.ndarray, grid: np.ndarray, table: np.ndarray) -> np.ndarray:
    """(H, W, 3) read from a table, (3, N), of each layer's values at an even `grid`, (N,); float32."""
    places = (values - grid[0]) / (grid[1] - grid[0])
    read = np.empty(values.shape, np.float32)
    for c in range(3):
        ndimage.map_coordinates(table[c], [places[..., c]], output=read[..., c], order=1, mode="nearest")
    return read


def expose(
    photograph: np.ndarray, roll: FilmStock, stops: float, cast: np.ndarray, contrast: float = 1.0
) -> np.ndarray:
    """Expose and develop: (H, W, 3) sRGB 0…1 -> density, base included; 8 bits of the photograph are used.

    stops: deviation from the metered exposure; at −4 and less almost nothing is recorded. cast: (3,) stops, the colour
    of the light. contrast: of the scene relative to the photograph, whose rendering has compressed or stretched it.
    """
    codes = np.arange(256) / 255
    light = np.log2(np.maximum(linear(codes), 2e-3) / MID_GREY) * contrast + stops
    above = np.empty(photograph.shape, np.float32)
    indices = np.rint(photograph * 255).astype(np.uint8)
    for c in range(3):  # one curve a layer, tabulated
        developed = curve(light + cast[c], roll.contrast[c] * LAYER[c], roll.toe, RANGE[c])
        above[..., c] = developed.astype(np.float32)[indices[..., c]]
    return np.maximum(above @ roll.leak.T, 0) + roll.base


def add_grain(density: np.ndarray, roll: FilmStock, rng: np.random.Generator) -> np.ndarray:
    """Dye clouds: σ grows with the root of the density above base; layers are independent, neighbours correlated."""
    noise = rng.standard_normal(density.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, (roll.grain_size, roll.grain_size, 0))
    noise /= noise.std()
    above = np.maximum(density - roll.base, 0) + 0.06  # fog has grain as well
    return density + roll.grain * np.sqrt(above) * noise
