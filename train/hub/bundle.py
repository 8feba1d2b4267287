"""The content of a published model: weights, package, ONNX, pictures, card.

model.safetensors, config.json    the network, as `darkroom` loads it
model.onnx                        the same network: pixels (N, 3, H, W) uint8 and span (N,) float32, in D, in;
                                  label, defects and maps out
darkroom/                         the package that runs it
report/                           the training report's pictures
README.md, LICENSE                the card, the licence
"""

import shutil
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from darkroom.film.film import CELL
from darkroom.hub.pull import CONFIG, TENSORS
from darkroom.judge.loading import load_network
from darkroom.judge.resnet import Output, ResNet18, to_float
from hub.cards import model_card

ROOT = Path(__file__).resolve().parents[2]
# Only charts: mistakes.png shows the user's frames.
PICTURES = ("curves", "learning_rate", "confusion", "reliability", "coverage_risk")


class _FromBytes(nn.Module):
    """The network with its input scaling inside, so that users of the ONNX file need not know it."""

    def __init__(self, model: ResNet18):
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor, span: Tensor) -> Output:
        return self.model(to_float(pixels), span)


def export_onnx(model: ResNet18, path: Path) -> None:
    """Write the network as ONNX; N, height and width may be any number."""
    pixels = torch.zeros(2, 3, 2 * CELL, 3 * CELL, dtype=torch.uint8)
    sizes = {2: "height", 3: "width"}
    axes = {"pixels": sizes, "span": {}, "label": {}, "defects": {}, "maps": {2: "rows", 3: "columns"}}
    with warnings.catch_warnings():
        # It warns of a newer exporter, which takes far longer and writes paths of this machine into the file.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _FromBytes(model).eval(),
            (pixels, torch.ones(2)),
            path,
            input_names=["pixels", "span"],
            output_names=list(Output._fields),
            dynamic_axes={name: {0: "batch", **more} for name, more in axes.items()},
            dynamo=False,
        )


def assemble(run: Path, folder: Path, repo: str) -> None:
    """Lay out in `folder`, which is empty, the model of a finished run as it is published under the name `repo`.

    Raises WeightsError where the run has no valid model, cards.CardError where it has no report.
    """
    pictures = [picture for picture in (run / f"{name}.png" for name in PICTURES) if picture.is_file()]
    card = model_card(run, repo, [f"report/{picture.name}" for picture in pictures])
    (folder / "README.md").write_text(card, encoding="utf-8")
    model = ResNet18.of(load_network(run / "model").model)
    for name in (CONFIG, TENSORS):
        shutil.copy(run / "model" / name, folder)
    export_onnx(model, folder / "model.onnx")
    shutil.copytree(ROOT / "space/darkroom", folder / "darkroom", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "LICENSE", folder)
    (folder / "report").mkdir()
    for picture in pictures:
        shutil.copy(picture, folder / "report")
