"""Where a model's weights come from: the bundled folder, another folder, or the Hugging Face Hub.

    locate()                                # the bundled ones
    locate("runs/first/model")              # a folder
    locate("user/name@v1")                  # the Hub; after @ a tag, a branch or a commit

Safetensors only: no pickle is opened, and no code from the Hub is run.
"""

from pathlib import Path
from typing import NamedTuple

from .pull import CONFIG, TENSORS, HubDown, WeightsError, lacking, pull

_PACKAGE = Path(__file__).resolve().parents[1]
# Inside the package where it is installed, beside it in the Space.
BUNDLED = _PACKAGE / "weights" if (_PACKAGE / "weights").is_dir() else _PACKAGE.parent / "weights"


class Located(NamedTuple):
    """The two files of a model, where they came from, their commit on the Hub or None, and a notice for the user
    or ""."""

    config: Path
    tensors: Path
    source: str
    revision: str | None
    notice: str


def locate(weights: str | Path | None = None, revision: str | None = None, *, bundled_if_down: bool = False) -> Located:
    """The files of the model that was asked for, downloaded where need be.

    weights: a folder with config.json and model.safetensors, or a Hub id "user/name", "user/name@revision"; None for
    the bundled ones. revision: of the Hub id, unless that names one itself.
    bundled_if_down: where the Hub cannot be reached and the model was never downloaded, take the bundled weights and
    say so in the notice. Raises WeightsError.
    """
    if weights is None or Path(weights).is_dir():
        folder = BUNDLED if weights is None else Path(weights)
        present = [path.name for path in folder.glob("*")]
        for file in (CONFIG, TENSORS):
            if file not in present:
                raise WeightsError(f"{folder}: {lacking(file, present)}")
        return Located(folder / CONFIG, folder / TENSORS, str(folder), None, "")
    repo, _, named = str(weights).partition("@")
    try:
        config, tensors, commit, notice = pull(repo, named or revision or None)
    except HubDown as error:
        if not bundled_if_down:
            raise
        return locate()._replace(notice=f"{error} The bundled weights judge instead.")
    return Located(config, tensors, repo, commit, notice)
