"""A model's files become a network: every name and shape is checked, and no weight stays at random."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ..film.gate import Gate
from ..hub.pull import CONFIG, TENSORS, WeightsError
from ..hub.weights import locate
from ..taxonomy import DEFECTS, LABELS
from .calibration import Calibration
from .network import Network
from .runtime import HEAD, shapes


class Loaded(NamedTuple):
    """A network, where it came from, its commit on the Hub or None, and a notice for the user or ""."""

    model: Network
    source: str
    revision: str | None
    notice: str


def load_network(
    weights: str | Path | None = None, revision: str | None = None, *, bundled_if_down: bool = False
) -> Loaded:
    """Load a model's network; the arguments are those of `hub.weights.locate`. Raises WeightsError."""
    found = locate(weights, revision, bundled_if_down=bundled_if_down)
    return Loaded(read_network(found.config, found.tensors, found.source), found.source, found.revision, found.notice)


def read_network(config: Path, tensors: Path, name: str) -> Network:
    """The network that the configuration describes, with exactly these weights in it.

    name: what an error calls it. Raises WeightsError.
    """
    try:
        stored = json.loads(config.read_text(encoding="utf-8"))
        model = Network({}, **stored)
        calibration = Calibration.from_dict(model.calibration) if model.calibration else None
        if type(model.one_in) is not int or model.one_in < 1:
            raise ValueError(f"one_in is {model.one_in!r}")
        if model.gate:
            Gate.from_dict(model.gate)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{name}: its {CONFIG} describes another kind of model ({error})") from None
    if model.labels != LABELS or not set(model.defects) <= set(DEFECTS):
        raise WeightsError(f"{name}: its {CONFIG} names labels or kinds of damage that this version does not know")
    answers = {"normal", *model.defects}
    if calibration and not answers == calibration.slope.keys() == calibration.bias.keys():
        raise WeightsError(f"{name}: its calibration is not that of its kinds of damage; train or calibrate it again")
    try:
        state = load_file(tensors)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{name}: its {TENSORS} is damaged ({error}); download or train it again") from None
    misfit = _misfit(len(model.labels) + len(model.defects), state)
    if misfit:
        raise WeightsError(f"{name}: its weights do not fit this network: {misfit}")
    whole = {key: value if value.dtype.kind == "i" else value.astype(np.float32) for key, value in state.items()}
    return Network(whole, **stored)


def _misfit(outputs: int, state: dict[str, np.ndarray]) -> str:
    """The first thing by which `state` is no state of the network with so many outputs, or an empty string."""
    expected = {key: [outputs, *shape[1:]] if key in HEAD else shape for key, shape in shapes().items()}
    for key in sorted(expected.keys() - state.keys()):
        return f"{key} is missing"
    for key in sorted(state.keys() - expected.keys()):
        return f"{key} has no place in it"
    for key, shape in expected.items():
        if shape != [*state[key].shape]:
            return f"{key} is {_size([*state[key].shape])} where {_size(shape)} is expected"
    return ""


def _size(shape: list[int]) -> str:
    return " × ".join(map(str, shape)) or "one number"
