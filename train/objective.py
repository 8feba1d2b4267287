"""What training minimises: the label, the kinds of damage, and where each of them is."""

import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.resnet import DEFECTS, Output  # noqa: E402

PRESENT = 0.3  # coverage from which damage is visible: a cell that reaches it is a damaged cell
POSITIVE = 8.0  # weight of a damaged cell: a hole fills one in sixty
ELSEWHERE = 0.3  # weight of a sound cell in a picture that has the defect in another


def losses(
    output: Output, batch: dict[str, Tensor], *, kinds: tuple[str, ...], weights: Tensor, smoothing: float = 0.0
) -> Tensor:
    """Loss of each picture, (N,), so that a mean over them is exact however they are dealt to processes.

    batch: as `frames.collate` gives it. kinds: names of the model's defect outputs. weights: (2,) of the two labels.
    smoothing: of the label's target, training only.

    The pooled output is the mean over the cells, and the two ask for different things where a small hole must raise
    the mean of sixty cells although it is in one. So damaged cells weigh more, and sound cells of a damaged picture
    less: they may rise a little, which the calibration allows for, while the damaged cell stands out.
    """
    total = F.cross_entropy(output.label, batch["label"], weight=weights, label_smoothing=smoothing, reduction="none")
    if batch["defects"].shape[1]:
        total = total + F.binary_cross_entropy_with_logits(output.defects, batch["defects"], reduction="none").mean(1)
    if batch["cells"].shape[-1] and kinds:
        maps = output.maps[:, -len(kinds) :]  # (N, D, h, w)
        share = F.adaptive_max_pool2d(batch["cells"], maps.shape[-2:])[:, [DEFECTS.index(kind) for kind in kinds]]
        damaged = (share / PRESENT).clamp(max=1)
        somewhere = damaged.amax((2, 3), keepdim=True)
        sound = 1 - (1 - ELSEWHERE) * somewhere
        each = -POSITIVE * damaged * F.logsigmoid(maps) - sound * (1 - damaged) * F.logsigmoid(-maps)
        total = total + each.mean((1, 2, 3))
    return total


def balance(labels: list[int]) -> Tensor:
    """(2,) weights by which both labels count alike however rare one is: n / (2 · count)."""
    counts = torch.bincount(torch.tensor(labels), minlength=2)
    return len(labels) / (2 * counts.clamp(min=1).float())
