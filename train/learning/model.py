"""The model before a run, initialised at random or from another model, and after it, saved with its calibration."""

import json
import shutil
from pathlib import Path

import torch
from torch import Tensor, nn

from darkroom.hub.weights import locate
from darkroom.judge.loading import load_network
from darkroom.judge.resnet import ResNet18
from darkroom.taxonomy import LABELS

SIZE = 288  # default of the long side in pixels: fast on a CPU
ONE_IN = 10  # of a new model, the tenth of the cells; a fifth is as good (docs/experiments.md)


def initial_model(init: str | None, kinds: tuple[str, ...], input_size: int | None) -> ResNet18:
    """A network to train.

    init: folder or Hub id of a model to continue from; None starts from random weights.
    kinds: damage that the data set labels. Where the model of `init` has other kinds, the head is rebuilt; outputs that
    both have keep their weights. Without kinds, a model keeps its own.
    input_size: pixels of the long side; None: that of `init`, or `SIZE`.
    The gate, which recognises colour negatives, is that of `init`, or of the bundled model.
    Raises weights.WeightsError.
    """
    if init is None:
        bundled = json.loads(locate().config.read_text(encoding="utf-8"))
        return ResNet18(defects=kinds, input_size=input_size or SIZE, one_in=ONE_IN, gate=bundled["gate"])
    known = ResNet18.of(load_network(init).model)
    model = ResNet18(
        defects=kinds or known.defects,
        input_size=input_size or known.input_size,
        one_in=known.one_in,
        calibration=known.calibration,
        gate=known.gate,
    )
    state = known.state_dict()
    had, have = known.labels + known.defects, LABELS + model.defects
    for name in ("head.weight", "head.bias"):
        rebuilt = model.state_dict()[name].clone()
        for row, output in enumerate(have):
            if output in had:
                rebuilt[row] = state[name][had.index(output)]
        state[name] = rebuilt
    model.load_state_dict(state)
    return model


def blended(model: ResNet18, begun: dict[str, Tensor], share: float) -> ResNet18:
    """The model with weights that lie between those it was trained to and those it began with, `begun`; `share` is that
    of the latter. Such a mean keeps more of what the model could do on other film, and loses little of what it learnt
    (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022)."""
    trained = portable(model)
    mean = {
        name: torch.lerp(weight, begun[name], share) if weight.is_floating_point() else weight
        for name, weight in trained.items()
    }
    model.load_state_dict(mean)
    return model.half().float()  # rounded as it will be stored


def save_model(model: ResNet18, calibration: dict | None, folder: Path) -> ResNet18:
    """Write `model` with its calibration to `folder` as safetensors, in half precision, and config.json. Returns what
    was written."""
    whole = ResNet18(
        labels=model.labels,
        defects=model.defects,
        input_size=model.input_size,
        one_in=model.one_in,
        calibration=calibration,
        gate=model.gate,
    ).eval()
    whole.load_state_dict(model.state_dict())
    whole.half().save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # a card by the library, which claims that the model is on the Hub
    shutil.copymode(folder / "config.json", folder / "model.safetensors")  # the library writes it unreadable for others
    return whole.float()


def fast_bfloat16() -> bool:
    """Whether the device that is trained on multiplies bfloat16 in hardware; elsewhere it is many times slower."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return any(torch.cpu.get_capabilities().get(name) for name in ("amx_bf16", "avx512_bf16"))


def portable(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights as safetensors can write them: on the CPU, in memory order."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in module.state_dict().items()
    }
