"""Real dust, hairs and scratches on film, from their outlines, in the format of `DustyScans`.

A folder holds a JSON file for each scan: {number: {"points": [{"x": …, "y": …}, …], "label": {"name": …}}}. The
coordinates are pixels of a scan that shows the whole frame.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

DustScan = list[tuple[np.ndarray, bool]]  # outlines, (N, 2) x and y in widths of the frame; whether it is a scratch
FINE = 4  # supersampling with which outlines are drawn: most specks are smaller than a pixel


class DustError(ValueError):
    """A folder of outlines cannot be used; the message says why."""


@cache  # read once in a process
def outlines(folder: Path) -> tuple[DustScan, ...]:
    """The scans of a folder. Raises DustError."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DustError(f"{folder}: no JSON files in this folder; give a folder of dust outlines, a file a scan")
    return tuple(_scan(file) for file in files)


def _scan(file: Path) -> DustScan:
    try:
        traced = [
            (np.array([(point["x"], point["y"]) for point in one["points"]], np.float32), one["label"]["name"])
            for one in json.loads(file.read_text(encoding="utf-8")).values()
        ]
        width = max(points[:, 0].max() for points, _ in traced)  # dust lies up to the edge
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise DustError(f"{file}: holds no outlines with 'points' and a 'label'; take it out of the folder") from None
    return [(points / width, name == "Scratch") for points, name in traced if len(points) > 2]


def dusty(density: np.ndarray, base: np.ndarray, scans: tuple[DustScan, ...], rng: np.random.Generator) -> np.ndarray:
    """The density, (H, W, 3), with some of a scan's dust on it, at a random scale and rotation. Dust is denser than its
    surroundings, scratches are less dense. One frame in three stays clean."""
    if rng.random() < 1 / 3:
        return density
    scan = scans[rng.integers(len(scans))]
    height, width = density.shape[:2]
    scale, share = width * np.exp(rng.uniform(np.log(0.7), np.log(3))), 10 ** rng.uniform(-2, -0.2)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * rng.choice([-1, 1], 2)
    middle = rng.uniform((0.1, 0.1), (0.9, 0.58))
    layers = {scratch: Image.new("L", (width * FINE, height * FINE)) for scratch in (False, True)}
    for points, scratch in scan:
        if rng.random() < (0.5 if scratch else share):
            placed = ((points - middle) @ turn * scale + (width / 2, height / 2)) * FINE
            strength = int(rng.uniform(80, 255))
            ImageDraw.Draw(layers[scratch]).polygon([tuple(xy) for xy in placed.tolist()], fill=strength)
    soft = rng.uniform(0, 1)  # dust lies on the film or a little above it
    dark, light = (
        ndimage.gaussian_filter(np.asarray(layers[k].reduce(FINE), np.float32) / 255, soft) for k in (False, True)
    )
    marked = density + (dark * rng.uniform(0.15, 0.9))[..., None] - (light * rng.uniform(0.03, 0.15))[..., None]
    return kept_whole(marked, density, base)


def kept_whole(scratched: np.ndarray, clean: np.ndarray, base: np.ndarray) -> np.ndarray:
    """A hairline scratch does not reach the base: no density falls below it, unless it was below before."""
    return np.maximum(scratched, np.minimum(clean, base * 0.9)).astype(np.float32)
