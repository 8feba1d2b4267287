"""The head alone, fitted to a few labelled frames: their labels move a trained network's verdicts, its features stay.

The head is a logistic regression on what the residual blocks see of a frame. With the blocks as they are, its weights
are the one answer to a convex problem: the maximum a posteriori, the prior being the weights that the model came with.
So there is no learning rate, no epoch and no chance in it, and each frame passes the network once. What is fitted are
the *calibrated* log-odds, so the calibration and the thresholds that came with the model go on holding.
"""

import copy

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Dataset
from scipy.optimize import minimize
from torch.utils.data import DataLoader

from darkroom.judge.calibration import Calibration, logit, sigmoid
from darkroom.judge.network import most_telling
from darkroom.judge.resnet import ResNet18, contrast, to_float
from learning.dataset import COLUMNS, collate

FEW = 200  # frames to train on; with fewer the head alone is fitted unless --freeze says otherwise
MOVE = 2.0  # log-odds by which the prior lets a usual frame move, one standard deviation; more forgets others sooner


@torch.inference_mode()
def seen(accelerator: Accelerator, model: ResNet18, rows: Dataset) -> np.ndarray:
    """(N, 1 + K, 513) what the head is given of every row, in order: channels and density span, the channels pooled as
    for the label, and as for each of the K kinds of damage, over the cells that show it most to the head as it is.
    rows: as `dataset.prepare_dataset` gives them. The same in every process."""
    rows = rows.select_columns(COLUMNS)
    loader = accelerator.prepare(DataLoader(rows, accelerator.num_processes, collate_fn=collate))
    model.eval()
    parts = []
    for batch in loader:
        pixels = to_float(batch["pixels"]).contiguous(memory_format=torch.channels_last)
        channels = model.blocks(model.stem(pixels)).flatten(2)
        maps = model.head.weight[len(model.labels) :, :-1] @ channels  # span and bias are the same in every cell
        most = maps.topk(most_telling(maps.shape[2], model.one_in), dim=2).indices
        picked = [channels.take_along_dim(cells[:, None], 2).mean(2) for cells in most.unbind(1)]
        pooled = torch.stack([channels.mean(2), *picked], 1)
        span = contrast(batch["span"])[:, None, None].expand(-1, pooled.shape[1], 1)
        inputs = torch.cat([pooled, span], 2)
        parts.append(accelerator.gather_for_metrics(inputs).cpu())
    return torch.cat(parts).double().numpy()


def fit_head(model: ResNet18, inputs: np.ndarray, rows: Dataset, kinds: tuple[str, ...]) -> ResNet18:
    """A copy of `model` whose head fits the labels of `rows`, and the kinds of damage where they are labelled.

    inputs: (N, 1 + K, 513) as `seen` gives them. rows: as `dataset.prepare_dataset` gives them. kinds: the damage
    that the data set labels.
    """
    before = Calibration.from_dict(model.calibration) if model.calibration else Calibration.identity(model.defects)
    normal, damage = np.array(rows["label"], float), np.array(rows["defects"], float).reshape(len(rows), -1)
    weight = model.head.weight.detach().cpu().double().numpy().copy()
    bias = model.head.bias.detach().cpu().double().numpy().copy()
    first = len(model.labels)
    of_label, of_kinds = inputs[:, 0], inputs[:, 1:]
    for row, kind in enumerate(model.defects, first):
        of_kind = of_kinds[:, row - first]
        truth = damage[:, kinds.index(kind)] if kind in kinds else np.full(len(rows), np.nan)
        slope = before.slope.get(kind, 1.0)
        known = np.isfinite(truth)
        if len(set(truth[known])) == 2:
            log_odds = slope * (of_kind[known] @ weight[row] + bias[row]) + before.bias.get(kind, 0.0)
            by, shift = step(of_kind[known], log_odds, truth[known], np.ones(known.sum()))
            weight[row] += by / slope
            bias[row] += shift / slope
    label = of_label @ weight[:first].T + bias[:first]
    found = np.einsum("nkd,kd->nk", of_kinds, weight[first:]) + bias[first:]
    p_normal = before.probabilities(model.defects, label, found)["normal"]
    alike = len(rows) / (2 * np.where(normal == 1, normal.sum(), (1 - normal).sum()))  # both labels count as much
    by, shift = step(of_label, logit(p_normal) - logit(before.prior), normal, alike)
    for row, share in ((0, -0.5), (1, 0.5)):  # the label's log-odds are the difference of its two rows
        weight[row] += share * by / before.slope["normal"]
        bias[row] += share * shift / before.slope["normal"]
    fitted = copy.deepcopy(model).cpu()
    fitted.head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    return fitted.half().float()  # rounded as it will be stored: what is measured is what is published


def step(inputs: np.ndarray, log_odds: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """What must be added to the weights (D,) and the bias of a logistic regression, so that it fits better.

    inputs: (N, D). log_odds: (N,) what it says now. truth: (N,) 0 or 1. weights: (N,) of the rows in the likelihood.
    The prior is normal about no change; by it the log-odds of a row as far from the others as they are on average move
    by `MOVE`, one standard deviation, and the bias as far.
    """
    center = inputs.mean(0)
    scale = MOVE / max(np.sqrt(((inputs - center) ** 2).sum(1).mean()), 1e-6)
    x = np.column_stack([(inputs - center) * scale, np.full(len(inputs), MOVE)])

    def loss(change: np.ndarray) -> tuple[float, np.ndarray]:
        z = log_odds + x @ change
        likelihood = (weights * (np.logaddexp(0, z) - truth * z)).sum()
        return likelihood + change @ change / 2, x.T @ (weights * (sigmoid(z) - truth)) + change

    change = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    by = change[:-1] * scale
    return by, float(MOVE * change[-1] - center @ by)
