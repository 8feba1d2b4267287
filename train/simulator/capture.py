"""From a negative's density to the file that a person has: film edges, light, lens, sensor, JPEG.

Nothing here is damage: a frame stays readable. Densities go in, an 8-bit picture comes out.
"""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

from simulator.dust import DustScan, dusty, kept_whole
from simulator.shapes import blob, even_noise, grey, line

HOLDER = 3.6  # D of black plastic or card
PALE = 1.0  # D of the same with light falling on it
SEEN = np.array([0.62, 1.0, 1.28], np.float32)  # how strongly each channel of a sensor sees its layer's dye
OPEN = 0.0  # D of a sprocket hole


def wear(
    density: np.ndarray, base: np.ndarray, rng: np.random.Generator, scans: tuple[DustScan, ...] = ()
) -> np.ndarray:
    """The wear of any roll: a little dust, a hair, a hairline scratch. Not damage. scans: outlines of real dust, used
    instead of drawn dust."""
    if scans:
        return dusty(density, base, scans, rng)
    shape, width, clean = density.shape[:2], density.shape[1], density
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 5)):
            centre = rng.uniform(0, shape[0]), rng.uniform(0, width)
            speck = blob(shape, centre, rng.uniform(0.5, 0.0015 * width + 0.5), rng, ragged=0.5, soft=1)
            density = density + (speck * rng.uniform(0.1, 0.5))[..., None]
    if rng.random() < 0.1:
        start = rng.uniform(0, shape[0]), rng.uniform(0, width)
        hair = line(shape, start, width * rng.uniform(0.03, 0.1), rng.uniform(0, 6.28), 1, 6, rng)
        density = density + (hair * rng.uniform(0.1, 0.4))[..., None]
    if rng.random() < 0.2:
        start = rng.uniform(0, shape[0]), rng.uniform(-0.2, 0.4) * width
        scratch = line(shape, start, width * rng.uniform(0.2, 0.8), rng.normal(0, 0.02), 1, 0.3, rng)
        density = density - (scratch * rng.uniform(0.02, 0.06))[..., None]
    return kept_whole(density, clean, base)


def mount(
    density: np.ndarray, base: np.ndarray, coverage: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put the frame on its film, in its holder: rebate, sprocket holes, black card, bare light, a slight turn.

    coverage: (H, W, K), is moved along. Returns both; they are larger than before where there is a border.
    """
    if rng.random() < 0.45:  # the frame alone, cropped a little
        top, left = (int(rng.uniform(0, 0.04) * n) for n in density.shape[:2])
        return density[top:, left:], coverage[top:, left:]
    height, width = density.shape[:2]
    rebate = [int(rng.choice([0, rng.uniform(0.005, 0.05)]) * width) for _ in range(4)]
    sprockets = rng.random() < 0.35
    if sprockets:
        rebate[0] = rebate[1] = int(rng.uniform(0.06, 0.12) * width)
        rebate[int(rng.integers(2))] = int(rng.choice([0, 0.03, 0.1]) * width)
    outer = [int(rng.choice([0, 0, rng.uniform(0.01, 0.12)]) * width) for _ in range(4)]
    if rng.random() < 0.15:
        outer = [int(rng.uniform(0.01, 0.12) * width)] * 4  # a window, which is cut alike on all sides
    edges = [r + o for r, o in zip(rebate, outer, strict=True)]
    canvas = _around((height + edges[0] + edges[1], width + edges[2] + edges[3]), rng)
    corner = canvas[0, 0].copy()
    canvas[outer[0] : canvas.shape[0] - outer[1], outer[2] : canvas.shape[1] - outer[3]] = base
    if sprockets:
        pitch, breadth = width / 8 * rng.uniform(0.97, 1.03), width / 8 * rng.uniform(0.38, 0.45)
        offset = rng.uniform(0, pitch)
        for side in (0, 1):
            tall = int(width * 0.055)
            row = (
                outer[0] + rebate[0] // 2 - tall // 2
                if side == 0
                else canvas.shape[0] - outer[1] - rebate[1] // 2 - tall // 2
            )
            row = max(row, 0)
            for column in np.arange(offset - pitch, canvas.shape[1], pitch):
                canvas[row : row + tall, max(0, int(column)) : max(0, int(column + breadth))] = OPEN
        frame_rows = canvas[edges[0] : edges[0] + height]
        frame_rows[:, outer[2] : canvas.shape[1] - outer[3]] = base
    canvas[edges[0] : edges[0] + height, edges[2] : edges[2] + width] = density
    placed = np.zeros((*canvas.shape[:2], coverage.shape[-1]), np.float32)
    placed[edges[0] : edges[0] + height, edges[2] : edges[2] + width] = coverage
    if rng.random() < 0.3:
        turn = float(rng.normal(0, 0.8))
        canvas, placed = _turned(canvas, turn, corner), _turned(placed, turn, np.zeros(placed.shape[-1]))
    return canvas, placed


def _around(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) D around the film: bare light, or a holder, which is black, or grey where light falls on it. That light
    has not passed through dyes."""
    if rng.random() < 0.25:
        return np.full((*shape, 3), OPEN, np.float32)
    level = HOLDER if rng.random() < 0.5 else rng.uniform(PALE, HOLDER)
    uneven = even_noise(shape, shape[1] * 0.4, rng) * rng.uniform(0, 0.06)
    return ((level + rng.normal(0, 0.05, 3) + uneven[..., None]) / SEEN).astype(np.float32)


def _turned(planes: np.ndarray, degrees: float, around: np.ndarray) -> np.ndarray:
    """(H, W, K) float32 rotated about its centre, with `around` (K,) in the corners."""
    turned = planes.copy()
    for k in range(planes.shape[-1]):
        if around[k] or planes[..., k].any():  # most kinds of damage are nowhere
            plane = Image.fromarray(np.ascontiguousarray(planes[..., k]))
            turned[..., k] = plane.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=float(around[k]))
    return turned


def photograph(density: np.ndarray, rng: np.random.Generator) -> bytes:
    """Light, lens, sensor, rendering and JPEG. (H, W, 3) density -> the file's bytes."""
    shape = density.shape[:2]
    # Real files span 0.6 times the mean density range in red, 1.25 in blue.
    seen = SEEN * rng.lognormal(0, 0.15, 3).astype(np.float32)
    light = np.exp(-np.log(10, dtype=np.float32) * density * seen)
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    falloff = 1 - rng.uniform(0, 0.3) * (x**2 + y**2) / 2 + rng.uniform(-0.12, 0.12) * x + rng.uniform(-0.12, 0.12) * y
    falloff += rng.uniform(0, 0.03) * even_noise(shape, shape[1] * 0.4, rng)
    light *= np.maximum(falloff, 0.3).astype(np.float32)[..., None]
    sensor = np.eye(3) + rng.uniform(0, 0.08, (3, 3))  # each channel sees its neighbours' light
    light = light @ (sensor / sensor.sum(axis=1, keepdims=True)).T.astype(np.float32)
    soft = abs(rng.normal(0, 0.5))
    if soft > 0.3:
        light = ndimage.gaussian_filter(light, (soft, soft, 0))
    light += rng.uniform(0, 0.05, 3).astype(np.float32) * light.mean(
        axis=(0, 1)
    )  # flare, which differs between the channels

    # White balance: anywhere between the colour of the light and neutral film, with an error.
    film = np.median(light[::4, ::4].reshape(-1, 3), axis=0)
    balance = (film.mean() / film) ** rng.beta(1.2, 1.6) * np.exp(rng.normal(0, 0.15, 3))
    light *= balance.astype(np.float32)
    bright = np.percentile(light[::4, ::4], rng.uniform(95, 99.8))
    light *= np.float32(rng.choice([rng.uniform(0.35, 1.0), rng.uniform(0.04, 0.3)], p=[0.88, 0.12]) / bright)
    shot = rng.standard_normal(light.shape, dtype=np.float32) * np.float32(rng.uniform(0, 0.004))
    light += shot * np.sqrt(np.maximum(light, 1e-4))
    coded = np.maximum(light, 0) ** np.float32(1 / rng.choice([2.2, rng.uniform(1.6, 2.6)]))
    if rng.random() < 0.5:  # a phone's tone curve
        bend = rng.uniform(0, 0.5)
        coded = np.clip(coded, 0, 1)
        coded = (1 - bend) * coded + bend * coded * coded * (3 - 2 * coded)
    if rng.random() < 0.6:
        sharp = rng.uniform(0.3, 2.0)
        coded = coded + sharp * (coded - ndimage.gaussian_filter(coded, (1.2, 1.2, 0)))
    if rng.random() < 0.4:  # saturation as rendered
        even = grey(coded)[..., None]
        coded = even + (coded - even) * rng.uniform(0.6, 1.4)
    picture = Image.fromarray((np.clip(coded, 0, 1) * 255 + 0.5).astype(np.uint8))
    if rng.random() < 0.5:  # most files are larger than the network's input, so their JPEG hardly shows in it
        scale = rng.uniform(0.8, 1.6)
        picture = picture.resize(
            (max(64, int(shape[1] * scale)), max(64, int(shape[0] * scale))), Image.Resampling.BICUBIC
        )
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(75, 98)), subsampling=int(rng.choice([0, 0, 2])))
    return file.getvalue()
