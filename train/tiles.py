"""Tiles of frames to train on: many more steps in the same time, at the resolution that small damage needs.

The network is fully convolutional and the simulator says of every cell what is wrong there, so a part of a frame has a
label of its own.
"""

import torch
from objective import SOUND
from torch import Tensor

ON_DAMAGE = 0.85  # chance that a damaged frame's tile is put over some of its damage


def tiles(batch: dict[str, Tensor], parts: int) -> dict[str, Tensor]:
    """One tile of each frame, a side of which is `parts` times as long, with the label, kinds and cells of that tile.

    batch: as `frames.collate` gives it, with cell maps of all kinds in the order of `resnet.DEFECTS`, and every kind
    labelled. Draws from torch's global generator. Raises ValueError where there are no maps, or too coarse ones.
    """
    pixels, cells = batch["pixels"], batch["cells"]
    side, grid = pixels.shape[-1] // parts, cells.shape[-1] // parts
    if not grid:
        raise ValueError(f"{parts} tiles a side need maps of the damage (defect_cells) of {parts} cells a side or more")
    pixels_a_cell = pixels.shape[-1] / cells.shape[-1]
    cut_pixels, cut_cells = [], []
    for picture, kinds in zip(pixels, cells, strict=True):
        last = kinds.shape[-1] - grid
        corner = torch.randint(last + 1, (2,))
        places = (kinds.amax(0) > SOUND).nonzero()
        if len(places) and torch.rand(()) < ON_DAMAGE:
            corner = (places[torch.randint(len(places), ())] - torch.randint(grid, (2,))).clamp(0, last)
        top, left = corner.tolist()
        row, column = (min(round(at * pixels_a_cell), picture.shape[-1] - side) for at in (top, left))
        cut_pixels.append(picture[:, row : row + side, column : column + side])
        cut_cells.append(kinds[:, top : top + grid, left : left + grid])
    cells = torch.stack(cut_cells)
    present = (cells.amax((2, 3)) > SOUND).float()
    return {
        "pixels": torch.stack(cut_pixels),
        "cells": cells,
        "defects": present,
        "label": (present.amax(1) == 0).long(),
    }
