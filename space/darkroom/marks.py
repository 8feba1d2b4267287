"""Where damage is that has a shape: all kinds but underexposure. NumPy only.

Only their shape and colour tell them from what a scene may hold. So the whole frame is looked at by a small network of
d2l.ai's residual blocks, on 384 × 256 pixels. `train/marks.py` trained it; docs/evidence.md says how well it sees.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.numpy import load_file

from .cells import DENSEST, GRID, alike
from .grid import pooled
from .remedy import REMEDIES

FILE = Path(__file__).with_name("marks.safetensors")
KINDS = tuple(kind for kind in REMEDIES if kind != "noise")  # that has no shape
ANSWERS = (*KINDS, "air_bells")  # of the network: clear discs look nothing like the brown spots they are counted among
SPOTS = KINDS.index("residual_spots")
SIZE = (256, 384)  # pixels of a lying frame; an upright one is turned
STRIDES = (2, 1, 2, 1, 2, 1, 1, 1, 1)  # of the residual blocks; the first convolution halves the frame before them
BLOCK, BLOCKS = 16, 5  # pixels to a block, and blocks a side, of what a place's colour is held against
FAINT = 0.2  # D; a local difference counts in proportion up to about here
WIDE = 0.5  # D; the same for the difference from the frame's middle
USUAL = 0.8  # D; what a frame spans. One that spans less is stretched, as it will be in the positive
STRETCH = (0.6, 2.0)
Net = dict[str, np.ndarray]


def marks(density: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(5, 16, 16) float32 log-odds that each cell of the frame has each of `KINDS`, were cells with and without as
    frequent. density (h, w, 3), inside (h, w) bool, as `film.Film` has them, lying or upright, of any size."""
    found = pooled(found_in(*reduced(density, inside), _fitted()), GRID, "max")
    return np.rot90(found, -1, (1, 2)).copy() if upright(inside) else found


def reduced(density: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A lying frame of `SIZE`, an upright one turned: density (3, 256, 384) float32, and where it is film, (256, 384)
    bool. density, inside: as `marks` takes them."""
    if upright(inside):
        density, inside = np.rot90(density), np.rot90(inside)
    planes = np.minimum(np.moveaxis(density, -1, 0), DENSEST).astype(np.float32)
    if inside.any():
        planes = np.where(inside, planes, np.median(planes[:, inside], axis=1)[:, None, None])
    both = np.concatenate([planes, inside[None].astype(np.float32)])
    rows, columns = (_means(n, size) for n, size in zip(inside.shape, SIZE, strict=True))
    small = rows @ both @ columns.T
    return small[:3], small[3] > 0.99


def upright(inside: np.ndarray) -> bool:
    """Whether a frame, (h, w), is turned to be looked at."""
    return inside.shape[0] > inside.shape[1]


def standard(planes: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The density (3, 256, 384) less the film's median, all layers spanning the same, and that about `USUAL`."""
    film = planes[:, inside] if inside.any() else planes.reshape(3, -1)
    low, middle, high = np.percentile(film, (10, 50, 90), axis=1)
    stretch = np.clip(USUAL / max(float((high - low).mean()), 1e-3), *STRETCH)
    return alike(planes - middle[:, None, None], high - low) * np.float32(stretch)


def inputs(planes: np.ndarray) -> np.ndarray:
    """What the network takes, (6, 256, 384) float32 in −1…1: blue less red, green less magenta and grey of `standard`
    (3, 256, 384), against the frame's middle and against what is around."""
    red, green, blue = planes
    colours = np.stack([blue - red, green - (red + blue) / 2, (red + green + blue) / 3])
    rows, columns = (n // BLOCK for n in SIZE)
    blocks = colours.reshape(3, rows, BLOCK, columns, BLOCK).mean((2, 4))
    beside = BLOCKS // 2
    blocks = np.pad(blocks, ((0, 0), (beside, beside), (beside, beside)), mode="edge")
    blocks = sliding_window_view(blocks, (BLOCKS, BLOCKS), axis=(1, 2)).mean((3, 4))
    around = _stretched(rows) @ blocks @ _stretched(columns).T
    return np.concatenate([np.tanh(colours / WIDE), np.tanh((colours - around) / FAINT)]).astype(np.float32)


def weigh(x: np.ndarray, net: Net) -> np.ndarray:
    """The network `net` on `inputs`: (6, 16, 24) log-odds of `ANSWERS`, a cell for every 16 × 16 pixels. Its tensors
    are what `train/marks.py` writes: every normalisation is part of the convolution before it."""
    x = np.maximum(_convolved(x, net, "stem", 2), 0)
    for k, stride in enumerate(STRIDES):
        y = np.maximum(_convolved(x, net, f"blocks.{k}.conv1", stride), 0)
        bypass = _convolved(x, net, f"blocks.{k}.conv3", stride) if stride > 1 else x
        x = np.maximum(_convolved(y, net, f"blocks.{k}.conv2") + bypass, 0)
    return _convolved(x, net, "head")


def found_in(planes: np.ndarray, inside: np.ndarray, net: Net) -> np.ndarray:
    """(5, 16, 24) log-odds of `KINDS` in what `reduced` made of a frame: the mean of what the network says of it and of
    its three mirror images, which on the whole errs less than one alone (docs/experiments.md)."""
    x = inputs(standard(planes, inside))
    views = [np.s_[:, ::rows, ::columns] for rows in (1, -1) for columns in (1, -1)]
    return of_kinds(np.mean([weigh(x[view], net)[view] for view in views], axis=0))


def of_kinds(answers: np.ndarray) -> np.ndarray:
    """`ANSWERS` (6, …) -> `KINDS` (5, …): a spot is brown or clear, whichever is likelier."""
    found = answers[: len(KINDS)].copy()
    found[SPOTS] = np.maximum(found[SPOTS], answers[-1])
    return found


def _convolved(x: np.ndarray, net: Net, name: str, stride: int = 1) -> np.ndarray:
    """(C, h, w) -> (O, h / stride, w / stride), zeros around."""
    weight, bias = net[f"{name}.weight"], net[f"{name}.bias"]
    side = weight.shape[-1]
    padded = np.pad(x, ((0, 0), (side // 2, side // 2), (side // 2, side // 2)))
    parts = sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]  # (C, h, w, side, side)
    rows, columns = parts.shape[1:3]
    flat = parts.transpose(0, 3, 4, 1, 2).reshape(-1, rows * columns)
    return (weight.reshape(len(weight), -1) @ flat + bias[:, None]).reshape(-1, rows, columns)


@cache
def _means(n: int, size: int) -> np.ndarray:
    """(size, n) float32: from n numbers to the means of `size` parts of them, which overlap where n is no multiple."""
    means = np.zeros((size, n), np.float32)
    for i in range(size):
        first, last = i * n // size, -(-(i + 1) * n // size)
        means[i, first:last] = 1 / (last - first)
    return means


@cache
def _stretched(n: int) -> np.ndarray:
    """(n · `BLOCK`, n) float32: from n numbers to a straight line from the middle of one block to that of the next."""
    places = (np.arange(n * BLOCK) + 0.5) / BLOCK - 0.5
    return np.stack([np.interp(places, np.arange(n), one) for one in np.eye(n)], axis=1).astype(np.float32)


@cache
def _fitted() -> Net:
    return {name: tensor.astype(np.float32) for name, tensor in load_file(FILE).items()}
