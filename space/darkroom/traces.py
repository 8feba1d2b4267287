"""Where small damage is: for every cell of a frame the log-odds of each kind, from what `cells` measures there.

A small network, the same for every cell, weighs a cell's measurements against what the whole frame is like, and what it
makes of them against its eight neighbours. `train/traces.py` fitted it on simulated twins; docs/evidence.md says how
well. It sees spots and lines of a few pixels, which the large network, that sees the frame as a whole, does not.
"""

from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from .cells import GRID, measures
from .remedy import REMEDIES

KINDS = tuple(kind for kind in REMEDIES if kind != "colour_patches")  # those are wider than a cell, see `marks`
FILE = Path(__file__).with_name("traces.safetensors")
CLIPPED = 4.0  # standard deviations beyond which a measurement counts no further


def traces(density: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(5, 16, 16) float32 log-odds that each cell has each kind of damage, in the order of `KINDS`, were damaged cells
    as frequent as sound ones. density, inside: as `cells.measures` takes them."""
    return weigh(*measures(density, inside), _fitted())


def weigh(local: np.ndarray, frame: np.ndarray, net: dict[str, np.ndarray]) -> np.ndarray:
    """The network `net` on `cells.measures`' two answers; its tensors are what `train/traces.py` writes."""
    x = standard(local, net["mean"], net["scale"]).reshape(len(local), -1)  # (F, 256)
    of_frame = net["frame"] @ standard(frame, net["frame_mean"], net["frame_scale"]) + net["hidden_bias"]
    hidden = np.maximum(net["hidden"] @ x + of_frame[:, None], 0)  # (H, 256)
    both = np.concatenate([hidden, around(hidden.reshape(-1, GRID, GRID)).reshape(hidden.shape)])
    joined = np.maximum(net["joined"] @ both + net["joined_bias"][:, None], 0)
    return (net["out"] @ joined + net["out_bias"][:, None]).reshape(-1, GRID, GRID)


def standard(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Values (F, …) less their mean (F,), in units of their deviation (F,), clipped."""
    shape = (-1,) + (1,) * (values.ndim - 1)
    return np.clip((values - mean.reshape(shape)) / scale.reshape(shape), -CLIPPED, CLIPPED)


def around(values: np.ndarray) -> np.ndarray:
    """(C, h, w) -> the mean of the up to nine cells about each; fewer at the border."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    one = np.pad(np.ones(values.shape[1:], values.dtype), 1)
    rows, columns = values.shape[1:]
    shifts = [np.s_[..., i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return sum(padded[s] for s in shifts) / sum(one[s] for s in shifts)


@cache
def _fitted() -> dict[str, np.ndarray]:
    return {name: tensor.astype(np.float32) for name, tensor in load_file(FILE).items()}
