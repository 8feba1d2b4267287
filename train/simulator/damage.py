"""The seven kinds of damage, applied to the density of a negative, each with the map of where it is.

A function takes the density, (H, W, 3), the film's base, (3,), a severity in 0…3 (1 is just noticeable, 3 ruins the
frame) and a random generator. It returns the new density and the coverage, (H, W) in 0…1, which is empty for a leak
that lies at the edge alone. `noise` is not here: it is an exposure, see `develop.py`. docs/simulation.md describes
what each kind looks like.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from simulator.holes import holes
from simulator.leaks import light_leak
from simulator.shapes import Damaged, blob, even_noise, fractal, grey, line, pixel, somewhere, uncovered
from simulator.spots import residual_spots

EVERYWHERE = 0.08  # share of blank areas that are the whole frame


def _evenest(density: np.ndarray, rng: np.random.Generator, radius: float, tries: int) -> tuple[float, float]:
    """The place with the least texture among some random ones: faint damage is visible only there."""
    even = grey(density)
    best, found = np.inf, (0.0, 0.0)
    for _ in range(tries):
        y, x = somewhere(even.shape, rng)
        near = even[max(0, int(y - radius)) : int(y + radius) + 1, max(0, int(x - radius)) : int(x + radius) + 1]
        if near.std() < best:
            best, found = near.std(), (y, x)
    return found


def _large_region(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Signed distance-like field, positive inside a smooth region of this share of the frame, usually at a border."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / width
    kind = rng.choice(["blob", "side", "band"], p=[0.45, 0.4, 0.15])
    if kind == "blob":
        cy, cx = rng.uniform(0, height / width), rng.uniform(0, 1)
        tilt, stretch = rng.uniform(0, np.pi), rng.uniform(1, 2.5)
        along = (x - cx) * np.cos(tilt) + (y - cy) * np.sin(tilt)
        across = -(x - cx) * np.sin(tilt) + (y - cy) * np.cos(tilt)
        field = -np.hypot(along / np.sqrt(stretch), across * np.sqrt(stretch))
    elif kind == "side":
        angle = rng.choice([0, np.pi / 2, np.pi, -np.pi / 2]) + rng.normal(0, 0.25)
        field = x * np.cos(angle) + y * np.sin(angle)
    else:
        angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.1)
        field = -np.abs((x - rng.uniform(0.2, 0.8)) * np.cos(angle) + (y - rng.uniform(0.1, 0.5)) * np.sin(angle))
    field = field + even_noise(shape, width * rng.uniform(0.15, 0.4), rng) * rng.uniform(0.01, 0.05)
    if rng.random() < 0.5:  # a torn or run edge
        field = field + fractal(shape, width * rng.uniform(0.02, 0.15), rng) * rng.uniform(0.002, 0.02)
    return field - np.quantile(field, 1 - share)


def blank_area(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """Films that touched in the tank: opaque and neutral, the mask gone, with a pale fringe; or film that was never
    developed. Sometimes the whole frame, as on fogged film."""
    shape, width = density.shape[:2], density.shape[1]
    field = _large_region(shape, rng.uniform(0.02, 0.05) + 0.13 * severity * rng.uniform(0.3, 1.2), rng)
    if rng.random() < EVERYWHERE:
        field += 1 - field.min()
    soft = rng.choice([rng.uniform(0.0005, 0.002), rng.uniform(0.002, 0.01), rng.uniform(0.01, 0.08)])
    inside = (1 / (1 + np.exp(-np.clip(field / (soft / 2), -30, 30)))).astype(np.float32)
    if rng.random() < 0.7:
        level = rng.uniform(1.4, 2.3) + rng.uniform(-0.15, 0.15, 3)
        keeps = rng.uniform(0, 0.12)  # share of the picture that still shows through
        goal = level + keeps * (density - density.mean(axis=(0, 1)))
        uneven, grain = rng.choice([rng.uniform(0, 0.06), rng.uniform(0.06, 0.2)]), rng.uniform(0, 0.04)
        goal += (even_noise(shape, width * 0.25, rng) * uneven)[..., None]
        goal += even_noise(shape, width * 0.3, rng)[..., None] * rng.normal(0, 0.3 * uneven, 3)
        goal += grain * rng.standard_normal(density.shape, dtype=np.float32)
        halo = max(soft, 0.004)
        fringe = np.exp(-(((field + halo) / (1.5 * halo)) ** 2)) * rng.uniform(0, 0.5)
        density = density - fringe[..., None] * (density - base)
    else:
        level = base * rng.uniform(0.7, 1.0)
        goal = level + rng.uniform(0, 0.04) * (density - density.mean(axis=(0, 1)))
    return (density * (1 - inside[..., None]) + goal * inside[..., None]).astype(np.float32), inside


def colour_patches(
    density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator, tries: int = 16
) -> Damaged:
    """Soft discs or bands where dye is missing, differently in each layer, often with a speck at the centre. tries:
    number of places of which a disc takes the most even; 1: any place."""
    shape, width = density.shape[:2], density.shape[1]
    depth = rng.uniform(0.04, 0.06) + 0.04 * severity
    layers = rng.dirichlet([1.2, 1.2, 1.2]) * 2.2 * depth
    if rng.random() < 0.12:
        layers = -layers
    loss, where = np.zeros_like(density), uncovered(shape)
    specks = uncovered(shape)
    if rng.random() < 0.2:  # bands, as from a hanger or from foam
        angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.15)
        for _ in range(rng.integers(1, 4)):
            y, x = somewhere(shape, rng)
            where = np.maximum(
                where,
                blob(
                    shape,
                    (y, x),
                    width * rng.uniform(0.06, 0.12),
                    rng,
                    ragged=0.2,
                    stretch=rng.uniform(4, 12),
                    angle=angle,
                    soft=width * rng.uniform(0.02, 0.06),
                ),
            )
    else:
        largest = rng.uniform(0.025, 0.1)
        middle = _evenest(density, rng, width * 0.1, tries)
        spread = rng.choice([0.12, 0.3, 1.0])
        for _ in range(rng.integers(1, 3 + round(3 * severity))):
            radius = width * largest * rng.uniform(0.4, 1.3)
            near = middle[0] + rng.normal(0, spread * shape[0]), middle[1] + rng.normal(0, spread * width)
            y, x = near if 0 < near[0] < shape[0] and 0 < near[1] < width else _evenest(density, rng, radius, tries)
            disc = blob(shape, (y, x), radius, rng, ragged=rng.uniform(0.05, 0.25), soft=radius * rng.uniform(0.3, 1.2))
            where = np.maximum(where, disc * rng.uniform(0.7, 1.0))
            if rng.random() < 0.5:
                speck = width * rng.uniform(0.0014, 0.0035)
                specks = np.maximum(specks, blob(shape, (y, x), speck, rng, ragged=0.4, soft=pixel(shape)))
    loss = where[..., None] * layers
    density = density - loss + (specks * rng.uniform(-0.1, 0.35))[..., None]
    return np.maximum(density, base * 0.6).astype(np.float32), where


def dye_removal(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """Rubbed as the film was coiled: light streaks along its travel, yellow layer first; or flecks and crescents."""
    shape, width = density.shape[:2], density.shape[1]
    where = uncovered(shape)
    if rng.random() < 0.35:
        for _ in range(rng.integers(6, 10 + round(16 * severity))):
            radius = max(width * rng.uniform(0.0012, 0.004), 0.8 * pixel(shape))
            fleck = blob(
                shape,
                somewhere(shape, rng),
                radius,
                rng,
                ragged=0.5,
                stretch=rng.uniform(1, 5),
                angle=rng.uniform(0, np.pi),
                soft=pixel(shape),
            )
            if rng.random() < 0.4:  # a crescent: a disc minus the same disc shifted
                shift = rng.uniform(0.6, 1.4, 2) * radius * rng.choice([-1, 1], 2)
                fleck = np.clip(fleck - ndimage.shift(fleck, shift, order=1), 0, 1)
            where = np.maximum(where, fleck * rng.uniform(0.5, 1))
        dark = rng.uniform(0.25, 0.45) + 0.2 * severity
        return (density + where[..., None] * dark * rng.uniform(0.8, 1.2, 3)).astype(np.float32), where
    travel = rng.normal(0, 0.006) + (np.pi / 2 if rng.random() < 0.15 else 0)
    long = shape[0] if abs(travel) > 1 else width
    middle, spread = somewhere(shape, rng), rng.choice([0.04, 0.15, 1.0])
    for _ in range(rng.integers(2, 4 + round(6 * severity))):
        y = middle[0] + rng.normal(0, spread) * shape[0]
        x = middle[1] + rng.normal(0, spread) * width
        length = long * rng.uniform(0.15, 1.2)
        start = (y, rng.uniform(-0.3, 0.7) * width) if abs(travel) < 1 else (rng.uniform(-0.3, 0.7) * shape[0], x)
        breadth = width * rng.choice([rng.uniform(0.0015, 0.004), rng.uniform(0.004, 0.012)])
        streak = line(shape, start, length, travel, breadth, rng.uniform(0, 0.15) * pixel(shape), rng)
        streak *= min(1, max(breadth, pixel(shape)))  # a line is drawn no finer than one pixel
        where = np.maximum(where, streak * rng.uniform(0.7, 1))
    where *= np.clip(0.75 + 0.35 * even_noise(shape, 6 * pixel(shape), rng), 0.1, 1)
    rubbed = np.clip(where * (0.45 + 0.3 * severity), 0, 1.3)
    order = np.clip(rubbed[..., None] * np.array([0.35, 0.65, 1.0]), 0, 0.95)  # red is lost last
    left = base * (1 - 0.35 * order)  # the mask is dye too
    return (density * (1 - order) + left * order).astype(np.float32), where


DAMAGE: dict[str, Callable[[np.ndarray, np.ndarray, float, np.random.Generator], Damaged]] = {
    "light_leak": light_leak,  # first: it is there before the film is developed
    "blank_area": blank_area,
    "colour_patches": colour_patches,
    "holes": holes,
    "residual_spots": residual_spots,
    "dye_removal": dye_removal,
}
