"""What a frame's density does, cell by cell: spots, lines, bare and opaque places.

The frame is cut into 16 × 16 cells. In each, filters of known size are held against the film around: a spot and a disc
against a wider neighbourhood, a line against what lies beside it. What counts is the difference in density, so
that the film's mask and the light's colour cancel.
"""

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.ndimage import uniform_filter1d as box_along

from .grid import followed, pooled

GRID = 16  # cells a side
RIM = 4  # pixels of the picture's border, and of the film's own edge, in which nothing is looked for
DENSEST = 4.0  # D; beyond it there is no film
FAINT = 0.15  # D; a line that differs more from its sides is an edge of the scene, and counts as this
LINES = (25, 81)  # pixels: lengths over which a line is averaged
MEMORY, STRIDE = 0.97, 2  # of a line that is followed: what a step keeps of the steps before; pixels a step
BESIDE = 13  # pixels across a line: what it is held against
SMALLEST = 4  # pixels to a side of a cell; a picture with fewer is enlarged
UNLIKE = 2.5  # times that a layer's span may be made larger or smaller
STEP = 0.02  # D; responses below it count in proportion, above by their logarithm


def measures(density: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure every cell of a frame.

    density: (h, w, 3), inside: (h, w) bool, as `film.Film` has them, of any size. Returns (F, 16, 16) float32,
    each response by itself and then each less the frame's median, and (G,) float32, what the frame is like as a whole;
    both finite.
    """
    for axis in (0, 1):
        by = -(-GRID * SMALLEST // density.shape[axis])
        density, inside = (np.repeat(plane, by, axis) if by > 1 else plane for plane in (density, inside))
    planes = np.minimum(np.moveaxis(density, -1, 0), DENSEST).astype(np.float32)
    film = planes[:, inside] if inside.any() else planes.reshape(3, -1)
    low, middle, high = np.percentile(film, (10, 50, 90), axis=1)
    spans = np.maximum(high - low, STEP)
    planes = np.where(inside, planes, middle[:, None, None])
    levels = _levels(box_mean(planes, 3), middle, inside)
    planes = alike(planes, spans)
    looked = box_mean(inside[None].astype(np.float32), 2 * RIM + 1)[0] > 0.999
    looked[:RIM] = looked[-RIM:] = looked[:, :RIM] = looked[:, -RIM:] = False

    near, disc = box_mean(planes, 3), box_mean(planes, 7)
    responses = [
        *_spots(near - box_mean(planes, 11), looked),
        *_spots(disc - box_mean(planes, 21), looked),
        cells(np.abs(colours(planes - near)) * looked, "mean"),  # grain
        *_lines(planes, looked),
        *levels,
    ]
    local = np.arcsinh(np.concatenate(responses) / STEP).astype(np.float32)
    seen = cells(looked[None].astype(np.float32), "mean")
    valid = seen[0] > 0.3
    known = local[:, valid] if valid.any() else local.reshape(len(local), -1)
    usual, strong = np.percentile(known, (50, 90), axis=1).astype(np.float32)
    frame = np.concatenate([usual, strong, np.log(spans).astype(np.float32)])
    return np.concatenate([local, local - usual[:, None, None], seen]), frame


def box_mean(planes: np.ndarray, side: int) -> np.ndarray:
    return uniform_filter(planes, side, axes=(1, 2))


def alike(planes: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Layers (3, h, w) whose densities span `spans` (3,), made to span the same: else one that spans more than another
    would show every grey edge as a colour."""
    spans = np.maximum(spans, STEP)
    return (planes * np.clip(spans.mean() / spans, 1 / UNLIKE, UNLIKE)[:, None, None]).astype(np.float32)


def colours(planes: np.ndarray) -> np.ndarray:
    """(3, …) red, green and blue density -> (6, …): the same, blue less red, green less magenta, and grey."""
    red, green, blue = planes
    return np.stack([red, green, blue, blue - red, green - (red + blue) / 2, (red + green + blue) / 3])


def _spots(response: np.ndarray, looked: np.ndarray) -> list[np.ndarray]:
    """Of a spot filter's response (3, h, w): the largest, the least and the usual in each cell, in all six colours; and
    where a mixed colour is largest or least, what each layer has there."""
    planes = colours(response) * looked
    there = [layers_at(planes[:3], guide, how) for guide in planes[3:] for how in ("max", "min")]
    return [cells(planes, "max"), -cells(planes, "min"), cells(np.abs(planes), "mean"), *there]


def _lines(planes: np.ndarray, looked: np.ndarray) -> list[np.ndarray]:
    """The faintest and strongest lines along either side, of two lengths and followed where they bend, in blue, blue
    less red and grey."""
    found = []
    for axis in (1, 2):
        across = colours(planes - box_along(planes, BESIDE, axis))[[2, 3, 5]]
        across = np.clip(across, -FAINT, FAINT) * looked
        for length in LINES:
            line = 2 * box_along(across, length, 3 - axis)
            found += [-cells(line, "min"), cells(line, "max")]
        paths = followed(np.concatenate([-across, across]), 3 - axis, MEMORY, STRIDE)
        found.append(2 * cells(paths, "max"))
    return found


def _levels(planes: np.ndarray, middle: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """How dense and how coloured a cell is, beside the frame's middle and by itself."""
    mean = cells(planes, "mean")
    lightest = np.percentile(planes[:, inside] if inside.any() else planes.reshape(3, -1), 2, axis=1)
    bare = cells(planes.max(axis=0)[None], "min")
    below = cells((planes - lightest[:, None, None]).max(axis=0)[None], "min")
    apart = cells(np.abs(planes - planes.mean(axis=0)).max(axis=0)[None], "mean")
    opaque = cells(planes.min(axis=0)[None], "max")
    return [colours(mean - middle[:, None, None]), bare, below, apart, opaque]


def cells(planes: np.ndarray, how: str) -> np.ndarray:
    """(C, h, w) -> (C, 16, 16): the "max", "min" or "mean" of each cell."""
    return pooled(planes, GRID, how)


def layers_at(layers: np.ndarray, guide: np.ndarray, how: str) -> np.ndarray:
    """(3, 16, 16): what `layers` (3, h, w) hold in each cell where `guide` (h, w) is largest or least there.

    The picture is cut to whole cells of one size, so up to 15 pixels of its right and lower border do not count.
    """
    h, w = (n // GRID for n in guide.shape)

    def parts(plane: np.ndarray) -> np.ndarray:
        cut = plane[: h * GRID, : w * GRID].reshape(GRID, h, GRID, w)
        return cut.transpose(0, 2, 1, 3).reshape(GRID, GRID, h * w)

    place = parts(guide)
    place = (place.argmax(-1) if how == "max" else place.argmin(-1))[..., None]
    return np.stack([np.take_along_axis(parts(layer), place, -1)[..., 0] for layer in layers])
