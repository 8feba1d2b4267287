"""Light leaks: light that fell on the film beside the lens, before it was developed.

A leak is drawn as a map, 0 without light and 1 where it is brightest, and added to the exposure in stops, so that
shadows fill in first and a strong leak reaches the film's greatest density. The film travels along the frame's long
side: the cassette's felt leaves bands across it, sprocket holes a row of tongues along it.
"""

import numpy as np
from scipy import ndimage

from simulator.emulsion import expose_again
from simulator.shapes import Damaged, even_noise, somewhere, uncovered

FAINT = -5.0  # stops from mid-grey, from which a leak begins to be seen
WHOLE = 0.35  # D that count as full coverage
EDGE = 0.07  # of the frame's width or height; a leak that ends there leaves the picture readable
OVER_THE_SUBJECT = 0.05  # share of the frame within its edges that a leak must cover to be damage
FURTHEST = 1.5  # how much farther than its mean reach a leak may extend in places
PERFORATIONS = 8  # along a frame of 35 mm film


def light_leak(density: np.ndarray, base: np.ndarray, severity: float, rng: np.random.Generator) -> Damaged:
    """A leak over the subject: from an edge, as bands, a fan or streaks. Arguments and result: see `damage.py`; a leak
    that stays at the edge has no coverage. A first frame that is half fogged is not drawn here: it is a blank area."""
    shape = density.shape[:2]
    peak = rng.uniform(0.0, 1.5) + 1.5 * severity + (rng.uniform(0, 4) if rng.random() < 0.3 else 0)
    reach = rng.uniform(0.2, 0.4) + 0.13 * severity * rng.uniform(0.5, 1.2)
    kinds = (_veil, _tongues, _bands, _fan, _streaks)
    kind = kinds[rng.choice(len(kinds), p=[0.24, 0.14, 0.26, 0.18, 0.18])]
    leaked = _fall(density, base, _from_a_side(kind, shape, reach, rng), peak, rng)
    where = np.clip((leaked - density).max(axis=-1) / WHOLE, 0, 1)
    top, left = (round(EDGE * n) for n in shape)
    within = where[top : shape[0] - top, left : shape[1] - left]
    return leaked, where if (within > 0.5).mean() > OVER_THE_SUBJECT else uncovered(shape)


def innocent_leak(density: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A leak that leaves the frame readable: light at its very edge, or a faint veil."""
    shape = density.shape[:2]
    if rng.random() < 0.25:
        veil = _from_a_side(_veil, shape, rng.uniform(0.3, 1.5), rng)
        return _fall(density, base, veil, rng.uniform(-3.5, -2), rng)
    form = (_veil, _tongues, _streaks)[rng.choice(3, p=[0.6, 0.2, 0.2])]
    reach = rng.uniform(0.3, 1) * EDGE / FURTHEST
    return _fall(density, base, _from_a_side(form, shape, reach, rng), rng.uniform(-1, 8), rng)


def _fall(density: np.ndarray, base: np.ndarray, leak: np.ndarray, peak: float, rng: np.random.Generator) -> np.ndarray:
    """The density after a leak with the map `leak`, (H, W) in 0…1, and `peak` stops where it is brightest. Light that
    comes through the back of the film reaches the red layer first; white light, or light on the emulsion, is rarer."""
    colour = rng.choice(["warm", "white", "cold"], p=[0.7, 0.22, 0.08])
    held_back = np.array([0, rng.uniform(0.7, 2.5), rng.uniform(2, 5)])
    if colour == "white":
        held_back = np.abs(rng.normal(0, 0.4, 3))
    elif colour == "cold":
        held_back = held_back[::-1]
    light = 2 ** (FAINT + (peak - FAINT) * leak) - 2**FAINT
    leaked = expose_again(density, base, light[..., None] * (2**-held_back).astype(np.float32))
    grain = ndimage.gaussian_filter(rng.standard_normal(density.shape, dtype=np.float32), (0.6, 0.6, 0))
    return leaked + rng.uniform(0, 0.05) * grain * np.sqrt(np.maximum(leaked - density, 0))


def _from_a_side(form, shape: tuple[int, int], reach: float, rng: np.random.Generator) -> np.ndarray:
    """A leak's map, (H, W) in 0…1, from one of the four sides. form: draws it from the top, whose distance is `y` in
    0…1, with `x` in 0…1 along it."""
    long_ends = {_bands: 1.0, _tongues: 0.0}.get(form, 0.5)  # how often from a short end of the frame
    across = rng.random() < long_ends
    turns = int(rng.choice([0, 2])) + (across == (shape[1] >= shape[0]))
    height, width = shape if turns % 2 == 0 else shape[::-1]
    y, x = np.linspace(0, 1, height, dtype=np.float32)[:, None], np.linspace(0, 1, width, dtype=np.float32)[None, :]
    leak = form(y, x, reach, rng)
    leak = leak * np.clip(1 + rng.uniform(0, 0.12) * even_noise(leak.shape, max(shape) * 0.2, rng), 0.5, 1.3)
    soft = max(shape) * rng.uniform(0.002, 0.012) * min(1, reach / 0.1)
    return np.clip(ndimage.gaussian_filter(np.rot90(leak, turns), soft), 0, 1, dtype=np.float32)


def _sway(x: np.ndarray, lumps: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise along the edge, (1, W), zero mean, unit variance."""
    return even_noise((3, x.size), max(2, x.size / lumps), rng)[1:2]


def _window(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part of the edge that lets light in: all of it, or some."""
    if rng.random() < 0.4:
        return np.ones_like(x)
    return np.exp(-(np.abs((x - rng.uniform(0, 1)) / rng.uniform(0.1, 0.5)) ** rng.uniform(2, 6)))


def _veil(y: np.ndarray, x: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    depth = (
        reach * np.clip(1 + rng.uniform(0.05, 0.4) * _sway(x, rng.uniform(2, 8), rng), 0.2, FURTHEST) * _window(x, rng)
    )
    return np.clip(1 - y / np.maximum(depth, 1e-3), 0, 1) ** rng.uniform(0.4, 1.2)


def _tongues(y: np.ndarray, x: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """A row of tongues, at the pitch of the perforation."""
    row = (0.5 + 0.5 * np.cos(2 * np.pi * (PERFORATIONS * x + rng.random()))) ** rng.uniform(1, 3)
    depth = reach * (rng.uniform(0.2, 0.6) + row * rng.uniform(0.4, 0.8)) * _window(x, rng)
    return np.clip(1 - y / np.maximum(depth, 1e-3), 0, 1) ** rng.uniform(0.4, 1.0)


def _bands(y: np.ndarray, x: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Bands across the frame, each side of a band differently soft; sometimes weaker towards one edge."""
    leak = np.zeros((y.size, x.size), np.float32)
    for _ in range(rng.integers(1, 3)):
        off = y - rng.uniform(0.1, 0.9) - rng.uniform(0, 0.03) * _sway(x, 3, rng)
        before, after = reach * rng.uniform(0.1, 0.5, 2)
        band = np.exp(-(np.abs(off / np.where(off < 0, before, after)) ** rng.uniform(1.5, 5)))
        slope = rng.choice([0, rng.uniform(-0.5, 0.5)])
        leak = np.maximum(leak, band * np.clip(1 + slope * (x - 0.5) - abs(slope) / 2, 0, 1) * rng.uniform(0.8, 1))
    return leak


def _fan(y: np.ndarray, x: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Rays from a point at the edge."""
    sideways = (x - rng.uniform(0, 1)) * x.size / y.size
    angle, distance = np.arctan2(sideways, y + 0.02), np.hypot(sideways, y)
    middle = rng.normal(0, 0.5)
    rays = np.zeros_like(distance)
    for _ in range(rng.integers(1, 5)):
        ray = np.exp(-(((angle - middle - rng.normal(0, 0.25)) / rng.uniform(0.06, 0.45)) ** 2))
        rays = np.maximum(rays, ray * rng.uniform(0.7, 1))
    return rays * np.clip(1 - distance / (1.8 * reach), 0, 1) ** rng.uniform(0.3, 0.8)


def _streaks(y: np.ndarray, x: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Soft streaks that run in from the edge."""
    leak = np.zeros((y.size, x.size), np.float32)
    middle, slope = somewhere((1, 1), rng)[1], rng.normal(0, 0.3)
    for _ in range(rng.integers(1, 5)):
        off = x - middle - rng.normal(0, 0.15) - (slope + rng.normal(0, 0.05)) * y
        streak = np.exp(-(np.abs(off / rng.uniform(0.015, 0.07)) ** rng.uniform(1.2, 2.5)))
        fade = np.clip(1 - y / (reach * rng.uniform(0.7, FURTHEST)), 0, 1) ** rng.uniform(0.2, 0.7)
        leak = np.maximum(leak, streak * fade * rng.uniform(0.7, 1))
    return leak
