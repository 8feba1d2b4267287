"""Square crops of frames: each has the pixels, the damage and the label of its part."""

import numpy as np
import pytest
import torch
from datasets import Dataset

import film
from darkroom.film.film import CELL
from darkroom.taxonomy import DEFECTS
from learning.crops import crop
from learning.dataset import CELLS_COLUMN, collate, prepare_dataset, unpack_row

HOLES, ROWS, COLUMNS = DEFECTS.index("holes"), 5, 7


def holed() -> tuple[np.ndarray, np.ndarray]:
    """A frame with a hole in the cell (3, 5); every pixel says in which cell it lies."""
    cells = np.zeros((len(DEFECTS), ROWS, COLUMNS), np.float32)
    cells[HOLES, 3, 5] = 1
    number = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
    return np.broadcast_to(number.repeat(CELL, 0).repeat(CELL, 1), (3, ROWS * CELL, COLUMNS * CELL)), cells


def test_a_square_has_the_pixels_the_cells_and_the_label_of_its_place():
    torch.manual_seed(0)
    pixels, cells = holed()
    met = 0
    for _ in range(64):
        cut, within, present = crop(pixels, cells, 2 * CELL)
        assert cut.shape == (3, 2 * CELL, 2 * CELL) and within.shape == (len(DEFECTS), 2, 2)
        has = 3 * COLUMNS + 5 in cut
        assert has == bool(within[HOLES].any()) == bool(present[HOLES]) and present.sum() == has
        if has:
            row, column = np.argwhere(within[HOLES])[0] * CELL
            assert cut[0, row, column] == 3 * COLUMNS + 5
        met += has
    assert 40 < met < 64  # most are put over the damage, some are not


def test_the_maps_of_the_damage_are_turned_as_the_network_is_shown_the_picture():
    rgb = film.frame(96, 160)
    rgb[:32, :64] = 0.98  # bare light above and to the left
    cells = np.zeros((len(DEFECTS), 3, 5))
    cells[HOLES, 0, :2] = 1
    for quarters in range(4):
        listed = {"name": "a.png", "label": 0, CELLS_COLUMN: np.rot90(cells, quarters, (1, 2)).tolist()}
        if quarters % 2 == 0:
            listed[CELLS_COLUMN] = np.kron(listed[CELLS_COLUMN], np.ones((1, 5, 3))).tolist()
        else:
            listed[CELLS_COLUMN] = np.kron(listed[CELLS_COLUMN], np.ones((1, 3, 5))).tolist()
        listed["image"] = {"path": "a.png", "bytes": film.png(film.eight_bit(np.rot90(rgb, quarters)))}
        pixels, damaged = unpack_row(prepare_dataset(Dataset.from_list([listed]), 160)[0])
        light = pixels.reshape(3, 3, CELL, 5, CELL).mean(axis=(0, 2, 4)) < 64
        assert light.sum() == 2
        np.testing.assert_array_equal(damaged[HOLES] > 0.5, light)


def stored(pixels: np.ndarray, cells: np.ndarray | None, label: int) -> dict:
    """A row as `dataset.prepare_dataset` has it."""
    grid = b"" if cells is None else (cells * 255).astype(np.uint8).tobytes()
    kinds = [float(k == HOLES) for k in range(len(DEFECTS))]
    row = {"pixels": pixels.tobytes(), "width": pixels.shape[2], "span": 0.4, "label": label}
    return row | {"defects": kinds, "cells": grid}


def test_whole_frames_of_several_shapes_are_mirrored_to_the_largest():
    flat, tall = np.zeros((3, CELL, 2 * CELL), np.uint8), np.zeros((3, 2 * CELL, CELL), np.uint8)
    flat[:, :, -1] = 200
    grid = np.zeros((len(DEFECTS), 2, 2), np.float32)
    grid[HOLES, 0, 1] = 1
    batch = collate([stored(flat, grid, 0), stored(tall, None, 1)])
    assert batch["pixels"].shape == (2, 3, 2 * CELL, 2 * CELL) and batch["label"].tolist() == [0, 1]
    assert (batch["pixels"][0, :, :, -1] == 200).all()  # the lower half is the upper one's mirror image
    assert batch["cells"][0, HOLES].tolist() == [[0, 1], [0, 1]]
    assert batch["cells"][1].isnan().all()  # unknown


@pytest.mark.parametrize("known", [True, False])
def test_a_square_takes_its_label_from_its_cells_where_they_are_known(known):
    torch.manual_seed(0)
    pixels, _ = holed()
    grid = np.zeros((len(DEFECTS), 35, 35), np.float32)
    grid[HOLES, 21:28, 25:30] = 1
    batch = collate([stored(pixels, grid if known else None, 0)] * 40, 2 * CELL)
    assert batch["pixels"].shape == (40, 3, 2 * CELL, 2 * CELL)
    if known:
        assert 0 < batch["label"].sum() < 20 and torch.equal(batch["label"], 1 - batch["defects"][:, HOLES].long())
        six = collate([stored(pixels, grid, 0)] * 4, 2 * CELL, DEFECTS[:-1])  # a data set of before the seventh kind
        assert six["defects"].shape == (4, len(DEFECTS) - 1)
    else:
        assert batch["label"].sum() == 0 and batch["defects"][:, HOLES].sum() == 40
