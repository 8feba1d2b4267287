"""Predictions for every row of a data set, each exactly once, however many processes share the work."""

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Dataset
from torch.nn import functional as F
from torch.utils.data import DataLoader

from darkroom.judge.calibration import Calibration
from darkroom.judge.resnet import Output, ResNet18, to_float
from learning.dataset import COLUMNS, GRID, collate
from learning.objective import losses


@torch.inference_mode()
def predict(
    accelerator: Accelerator, model: ResNet18, rows: Dataset, weights: torch.Tensor
) -> tuple[Output, np.ndarray]:
    """Logits of every row, in order, in float32, one whole frame at a time, as scoring computes them.

    rows: as `dataset.prepare_dataset` gives them. weights: (2,) of the two labels in the loss.
    Returns the `Output` of all rows on the CPU, its maps resized to `dataset.GRID` cells a side, and the loss of each
    row (N,), the same in every process.
    """
    rows = rows.select_columns(COLUMNS)  # reading the evidence too takes far longer
    loader = accelerator.prepare(DataLoader(rows, accelerator.num_processes, collate_fn=collate))
    model.eval()
    parts = []
    for batch in loader:
        output = model(to_float(batch["pixels"]).contiguous(memory_format=torch.channels_last), batch["span"])
        loss = losses(output, batch, kinds=model.defects, weights=weights)
        maps = F.interpolate(output.maps, (GRID, GRID), mode="bilinear", align_corners=False)
        parts.append([part.cpu() for part in accelerator.gather_for_metrics((*output[:2], maps, loss))])
    *logits, loss = (torch.cat(column) for column in zip(*parts, strict=True))
    return Output(*logits), loss.double().numpy()


def p_normal(output: Output) -> np.ndarray:
    """(N,) float64 P(normal) of the label head alone, before calibration."""
    label = output.label.double().numpy()
    return Calibration.identity(()).probabilities((), label, label[:, :0])["normal"]
