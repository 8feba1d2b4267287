"""Small sets of drawn negatives, half of them with an obvious hole, in a user's folders."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from darkroom.taxonomy import DEFECTS
from film import eight_bit, frame


def negative(seed: int, hole: bool) -> tuple[Image.Image, np.ndarray]:
    """A 96 × 72 frame and its (6, 8, 8) map of damage; the hole is white, below the film base."""
    rng = np.random.default_rng(seed)
    rgb = frame(72, 96, seed)
    cells = np.zeros((len(DEFECTS), 8, 8))
    if hole:
        row, column = rng.integers(1, 6, 2)
        rgb[row * 9 : row * 9 + 18, column * 12 : column * 12 + 24] = 1.0
        cells[DEFECTS.index("holes"), row : row + 2, column : column + 2] = 1.0
    return Image.fromarray(eight_bit(rgb)), cells


def labelled(folder: Path, count: int, seed: int = 0, abnormal: float = 0.3) -> Path:
    """`folder`/pictures/1.jpg … and `folder`/labels.csv with the columns picture, normal, roll. Returns the CSV."""
    (folder / "pictures").mkdir(parents=True)
    lines = ["picture,normal,roll"]
    for i in range(count):
        damaged = i < round(abnormal * count)
        negative(1000 * seed + i, damaged)[0].save(folder / "pictures" / f"{i + 1}.jpg", quality=92)
        lines.append(f"{i + 1}.jpg,{int(not damaged)},{i % 12}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


def simulated(folder: Path, train: int = 24, held_out: int = 12) -> Path:
    """An image folder such as the simulator writes, with defect columns and maps."""
    seed = 0
    for split, count in (("train", train), ("validation", held_out), ("test", held_out)):
        (folder / split).mkdir(parents=True)
        lines = []
        for i in range(count):
            picture, cells = negative(seed, hole := i % 2 == 0)
            picture.save(folder / split / f"{seed:03d}.jpg", quality=92)
            defects = dict.fromkeys(DEFECTS, 0) | {"holes": int(hole)}
            record = {"file_name": f"{seed:03d}.jpg", "label": int(not hole), **defects, "defect_cells": cells.tolist()}
            lines.append(json.dumps(record))
            seed += 1
        (folder / split / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder
