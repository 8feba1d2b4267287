"""The loss: of the label, of the kinds of damage, and of their location."""

import torch
from torch import Tensor
from torch.nn import functional as F

from darkroom.judge.resnet import Output
from darkroom.taxonomy import DEFECTS

CLEAN, DAMAGED = 0.1, 0.4  # a cell's visible coverage: up to the first value it is clean, from the second damaged
POOLED_WEIGHT = 0.5  # weight of the pooled defects
CELL_WEIGHT = 0.5  # weight of the cells
PEAK_WEIGHT = 0.25  # weight of the largest cell of each map


def losses(
    output: Output, batch: dict[str, Tensor], *, kinds: tuple[str, ...], weights: Tensor, smoothing: float = 0.0
) -> Tensor:
    """Loss of each picture, (N,), so that their mean does not depend on how pictures are split over processes.

    batch: as `dataset.collate` gives it. kinds: names of the model's defect outputs. weights: (2,) of the two labels.
    smoothing: of the label's target, training only.
    """
    total = F.cross_entropy(output.label, batch["label"], weight=weights, label_smoothing=smoothing, reduction="none")
    if batch["defects"].shape[1]:
        wanted = batch["defects"]  # NaN where it is unknown
        pooled = F.binary_cross_entropy_with_logits(output.defects, wanted.nan_to_num(), reduction="none")
        pooled = pooled * wanted.isfinite()
        total = total + POOLED_WEIGHT * pooled.mean(1)
    if kinds:
        share = batch["cells"][:, [DEFECTS.index(kind) for kind in kinds]]
        cells, peaks = of_maps(output.maps[:, -len(kinds) :], share)
        total = total + CELL_WEIGHT * cells + PEAK_WEIGHT * peaks
    return total


def of_maps(maps: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of each picture's cells, and of the largest cell of each of its maps, (N,) each.

    maps: (N, D, h, w) logits. share: (N, D, h, w), visible coverage of each cell, 0…1; NaN where it is unknown, which
    adds no loss.

    A small hole covers one cell in sixty, a blank area a third, underexposure all. To weigh them alike, the damaged
    cells of a kind and the clean ones are averaged separately. That alone would hardly penalise one wrong cell among
    hundreds, so the largest cell of each map has a loss of its own; where the kind is present, the largest among its
    damaged cells.
    """
    known = share.isfinite()
    damaged = ((share.nan_to_num() - CLEAN) / (DAMAGED - CLEAN)).clamp(0, 1)
    clean = (share <= CLEAN).float()  # a cell in between is neither, nor is an unknown one
    found = -(damaged * F.logsigmoid(maps)).sum((2, 3)) / damaged.sum((2, 3)).clamp(min=1)
    spared = -(clean * F.logsigmoid(-maps)).sum((2, 3)) / clean.sum((2, 3)).clamp(min=1)
    present = (damaged.amax((2, 3)) > 0).float()
    within = torch.where((damaged > 0) | (present[..., None, None] == 0), maps, -torch.inf)
    peaks = F.binary_cross_entropy_with_logits(within.amax((2, 3)), present, reduction="none")
    return (found + spared).sum(1), (peaks * known.all(-1).all(-1)).sum(1)


def balance(labels: list[int]) -> Tensor:
    """(2,) class weights that balance the two labels: n / (2 · count)."""
    counts = torch.bincount(torch.tensor(labels), minlength=2)
    return len(labels) / (2 * counts.clamp(min=1).float())
