"""Quarters of frames to train on: four times the steps for the same time, at the resolution that small damage needs.

The network is fully convolutional and the simulator says of every cell what is wrong there, so a part of a frame has a
label of its own.
"""

import torch
from objective import SOUND
from torch import Tensor

ON_DAMAGE = 0.7  # chance that a damaged frame's tile is put over some of its damage


def quarters(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """One tile of half the side from each frame, with the label, kinds and cells of that tile alone.

    batch: as `frames.collate` gives it, with cell maps of all kinds in the order of `resnet.DEFECTS`, and every kind
    labelled. Draws from torch's global generator. Raises ValueError where there are no maps.
    """
    pixels, cells = batch["pixels"], batch["cells"]
    side, grid = pixels.shape[-1], cells.shape[-1]
    if not grid:
        raise ValueError("tiles need a data set with defect_cells, such as train/simulate.py makes")
    half, cell = grid // 2, side / grid
    cut_pixels, cut_cells = [], []
    for picture, kinds in zip(pixels, cells, strict=True):
        top, left = torch.randint(grid - half + 1, (2,)).tolist()
        places = (kinds.amax(0) > SOUND).nonzero()
        if len(places) and torch.rand(()) < ON_DAMAGE:
            y, x = places[torch.randint(len(places), ())].tolist()
            top, left = (min(max(at - int(torch.randint(half, ())), 0), grid - half) for at in (y, x))
        row, column = round(top * cell), round(left * cell)
        size = side // 2
        row, column = min(row, side - size), min(column, side - size)
        cut_pixels.append(picture[:, row : row + size, column : column + size])
        cut_cells.append(kinds[:, top : top + half, left : left + half])
    cells = torch.stack(cut_cells)
    present = (cells.amax((2, 3)) > SOUND).float()
    return {
        "pixels": torch.stack(cut_pixels),
        "cells": cells,
        "defects": present,
        "label": (present.amax(1) == 0).long(),
    }
