"""What a table of verdicts was made with, so that it can be made again: `manifest.json`."""

import hashlib
import json
import platform
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from ..hub.weights import locate
from ..judge.loading import read_network
from ..judge.verdict import Judge
from .judging import Judging

LIBRARIES = ("darkroom", "ncnn", "torch", "numpy", "pillow", "tifffile", "imagecodecs", "rawpy")


class Model(NamedTuple):
    """A judge with the sums of its two files (SHA-256), by their names."""

    judge: Judge
    sums: dict[str, str]


def model(weights: str | Path | None = None) -> Model:
    """Load a model as `judge.verdict.load` does. Raises WeightsError."""
    found = locate(weights)
    judge = Judge(read_network(found.config, found.tensors, found.source), found.source, found.revision, found.notice)
    return Model(judge, {path.name: _sum(path) for path in (found.config, found.tensors)})


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Of Python and of the libraries on which a verdict rests."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a checkout that is not installed
            found[name] = "not installed"
    return found


def judge_name(model: Model, judging: Judging) -> str:
    """What tells frames that were judged otherwise: model, prior, light, version of the program; short."""
    said = [*sorted(model.sums.items()), judging.prior, judging.light, versions()["darkroom"]]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def manifest(model: Model, judging: Judging, counts: Counter[str], items: int, listing: str, only: str) -> str:
    """The manifest as JSON. listing: the sum of names and marks of all items, in their order."""
    calibration = model.judge.calibration
    said: dict[str, Any] = {
        "model": {"source": model.judge.source, "revision": model.judge.revision, "sha256": model.sums},
        "prior": judging.prior,
        "light": judging.light,
        "thresholds": {"readable_above": calibration.readable_above, "damaged_below": calibration.damaged_below},
        "versions": versions(),
        "files": items,
        "frames": sum(counts.values()),
        "counts": {word or "not judged": counts[word] for word in ("readable", "damaged", "check", "")},
        "only": only or "all",
        "list_sha256": listing,
    }
    return json.dumps(said, indent=2) + "\n"
