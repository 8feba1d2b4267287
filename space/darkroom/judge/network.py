"""A model in memory: what its config.json says, and its weights. `resnet` defines the network, `runtime` runs it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..taxonomy import DEFECTS, LABELS

BATCH = 16  # pictures that an accelerator takes at once
GREY, UNIT = 127.5, 63.75  # of the bytes of `film.network_input`: what is 0 to the network, and what is 1
USUAL_SPAN, SMALLEST_SPAN = 0.5, 0.01  # D; of a well exposed frame, and what a thinner frame counts as


def most_telling(cells: int, one_in: int) -> int:
    """How many of a map's cells, those that show it most, answer for a kind of damage: one in so many, at least one.
    Most damage covers little of a frame, and the mean over all cells hardly moves with it (docs/experiments.md)."""
    return (cells + one_in - 1) // one_in


@dataclass(frozen=True, eq=False)
class Network:
    """weights: {name: float32, or whole numbers for counters}, as `resnet.ResNet18` names them. The rest are its
    arguments, which `config.json` holds and `resnet.ResNet18` describes."""

    weights: dict[str, np.ndarray] = field(repr=False)
    labels: tuple[str, ...] = LABELS
    defects: tuple[str, ...] = DEFECTS
    input_size: int = 244
    one_in: int = 1
    calibration: dict[str, Any] | None = None
    gate: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("labels", "defects"):  # lists in JSON
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def config(self) -> dict[str, Any]:
        """The arguments of `resnet.ResNet18`."""
        return {name: value for name, value in vars(self).items() if name != "weights"}
