"""Tiles of frames: each with the pixels, the damage and the label of its own part."""

import pytest
import torch
from darkroom.resnet import DEFECTS
from tiles import tiles

GRID, CELL = 16, 4  # cells a side, pixels a cell


def batch(n: int) -> dict[str, torch.Tensor]:
    """Frames with one hole each; every pixel says in which cell it lies."""
    cells = torch.zeros(n, len(DEFECTS), GRID, GRID)
    cells[:, DEFECTS.index("holes"), 5, 9] = 1
    number = torch.arange(GRID * GRID).reshape(1, GRID, GRID)
    pixels = number.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2).to(torch.uint8)
    pixels = pixels.expand(n, 3, -1, -1).clone()
    return {"pixels": pixels, "cells": cells, "label": torch.zeros(n, dtype=torch.long), "defects": torch.zeros(n, 6)}


@pytest.mark.parametrize("parts", [2, 4])
def test_a_tile_has_the_pixels_the_cells_and_the_label_of_its_place(parts):
    torch.manual_seed(0)
    cut = tiles(batch(64), parts)
    assert cut["pixels"].shape == (64, 3, GRID * CELL // parts, GRID * CELL // parts)
    assert cut["cells"].shape == (64, len(DEFECTS), GRID // parts, GRID // parts)
    holed = cut["cells"][:, DEFECTS.index("holes")].amax((1, 2)) > 0
    inside = (cut["pixels"][:, 0] == 5 * GRID + 9).flatten(1).any(1)
    assert torch.equal(holed, inside)
    assert torch.equal(cut["label"], (~holed).long())
    assert torch.equal(cut["defects"][:, DEFECTS.index("holes")], holed.float())
    assert 0.7 < holed.float().mean() < 1  # most are put over the damage, some are not
    first = cut["pixels"][:, 0, 0, 0].long()  # the corner's cell, where the map must begin too
    row, column = (
        (cut["cells"][holed, DEFECTS.index("holes")].flatten(1).argmax(1) // (GRID // parts)),
        (cut["cells"][holed, DEFECTS.index("holes")].flatten(1).argmax(1) % (GRID // parts)),
    )
    assert torch.equal(first[holed] // GRID + row, torch.full_like(row, 5))
    assert torch.equal(first[holed] % GRID + column, torch.full_like(column, 9))


def test_without_maps_of_the_damage_a_tile_has_no_label():
    frames = batch(2) | {"cells": torch.zeros(2, 6, 0, 0)}
    with pytest.raises(ValueError, match="defect_cells"):
        tiles(frames, 4)
