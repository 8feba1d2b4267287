"""Where a model's weights come from: the bundled folder, another folder, or the Hugging Face Hub.

    find()                                # the bundled ones
    find("runs/first/model")              # a folder
    find("user/name@v1")                  # the Hub; after @ a tag, a branch or a commit

Safetensors only, every name and shape checked: no pickle is opened, no code from the Hub is run, and no weight stays
at random.
"""

import json
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..judge.calibration import Calibration
from ..judge.resnet import DEFECTS, LABELS, ResNet18
from .pull import CONFIG, TENSORS, HubDown, WeightsError, lacking, pull

_PACKAGE = Path(__file__).resolve().parents[1]
# Inside the package where it is installed, beside it in the Space.
BUNDLED = _PACKAGE / "weights" if (_PACKAGE / "weights").is_dir() else _PACKAGE.parent / "weights"


class Found(NamedTuple):
    """A loaded model, where it came from, its commit on the Hub or None, and what the user should be told or ""."""

    model: ResNet18
    source: str
    revision: str | None
    notice: str


def find(weights: str | Path | None = None, revision: str | None = None, *, bundled_if_down: bool = False) -> Found:
    """Load the weights that were asked for.

    weights: a folder with config.json and model.safetensors, or a Hub id "user/name", "user/name@revision"; None for
    the bundled ones. revision: of the Hub id, unless that names one itself.
    bundled_if_down: where the Hub cannot be reached and the model was never downloaded, load the bundled weights and
    say so in the notice. Raises WeightsError.
    """
    if weights is None or Path(weights).is_dir():
        folder = BUNDLED if weights is None else Path(weights)
        present = [path.name for path in folder.glob("*")]
        for file in (CONFIG, TENSORS):
            if file not in present:
                raise WeightsError(f"{folder}: {lacking(file, present)}")
        return Found(_read(folder / CONFIG, folder / TENSORS, str(folder)), str(folder), None, "")
    repo, _, named = str(weights).partition("@")
    try:
        config, tensors, commit, notice = pull(repo, named or revision or None)
    except HubDown as error:
        if not bundled_if_down:
            raise
        return find()._replace(notice=f"{error} The bundled weights judge instead.")
    return Found(_read(config, tensors, repo), repo, commit, notice)


def _read(config: Path, tensors: Path, name: str) -> ResNet18:
    """Build the network that the configuration describes, with exactly these weights in it."""
    try:
        stored = json.loads(config.read_text(encoding="utf-8"))
        model = ResNet18(**stored)
        calibration = Calibration.from_dict(model.calibration) if model.calibration else None
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
    misfit = _misfit(model.state_dict(), state)
    if misfit:
        raise WeightsError(f"{name}: its weights do not fit this network: {misfit}")
    model.load_state_dict(state, strict=True)
    return model.eval()


def _misfit(expected: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    """The first thing by which `state` is no state of the network, or an empty string."""
    for key in sorted(expected.keys() - state.keys()):
        return f"{key} is missing"
    for key in sorted(state.keys() - expected.keys()):
        return f"{key} has no place in it"
    for key, tensor in expected.items():
        if tensor.shape != state[key].shape:
            return f"{key} is {_size(state[key])} where {_size(tensor)} is expected"
    return ""


def _size(tensor: Tensor) -> str:
    return " × ".join(map(str, tensor.shape)) or "one number"
