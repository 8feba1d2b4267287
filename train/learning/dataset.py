"""A data set on disk or on the Hub, decoded and resized once for the network and kept as bytes.

The first run over a data set decodes every picture; `datasets` keeps the result in its cache, memory-mapped, so that
later runs at the same input size start at once. After a change of a picture or of the decoder it is decoded again.
"""

import glob
import hashlib
import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Image, disable_progress_bars, enable_progress_bars, load_dataset
from huggingface_hub.errors import HFValidationError
from torch import Tensor
from torch.nn import functional as F

import darkroom
from darkroom.files import decode
from darkroom.files.folder import walk
from darkroom.film import evidence, film, scan
from darkroom.film.film import CELL
from darkroom.taxonomy import DEFECTS, LABELS
from learning.crops import crop

SPLITS = ("train", "validation", "test")
NEEDED = {"train", "validation"}
CELLS_COLUMN = "defect_cells"  # (K, h, w) damaged share of each cell, in the order of DEFECTS
GRID = 24  # cells a side to which maps of frames of all shapes are brought
COLUMNS = ["pixels", "width", "span", "label", "defects", "cells"]  # columns of `prepare_dataset` that `collate` reads


class DataError(ValueError):
    """The data set cannot be used; the message says why, one problem a line."""


def open_dataset(source: str) -> DatasetDict:
    """Open an image folder with split sub-folders, or a data set on the Hub, without decoding a picture.

    Every split has the columns `image` (path and bytes), `name` (path below the split's folder), `label` (ClassLabel
    abnormal, normal) and the other columns of its metadata. Raises DataError.
    """
    folder = Path(source)
    disable_progress_bars()
    try:
        if folder.is_dir():
            splits = [split for split in SPLITS if (folder / split / "metadata.jsonl").is_file()]
            if not set(splits) >= NEEDED:
                raise DataError(
                    f"{folder}: needs train/metadata.jsonl and validation/metadata.jsonl. "
                    f"Make them from pictures and a CSV with: python train/data.py build"
                )
            data = load_dataset("imagefolder", data_files={s: _files(folder / s) for s in splits})
            _all_listed(folder, data)
        else:
            data = load_dataset(source)
    except (FileNotFoundError, ConnectionError, HFValidationError) as error:
        raise DataError(f"{source}: neither a folder here nor a data set on the Hub ({error})") from None
    if not set(data) >= NEEDED:
        raise DataError(f"{source}: needs the splits train and validation, but has {', '.join(data)}")
    for split, rows in data.items():
        if "label" not in rows.column_names:
            raise DataError(f"{source}: the split {split!r} has no column 'label' (0 abnormal, 1 normal)")
        classes = rows.features["label"]
        if isinstance(classes, ClassLabel) and tuple(classes.names) != LABELS:
            found = ", ".join(f"{i} {name}" for i, name in enumerate(classes.names))
            raise DataError(f"{source}: the classes of 'label' are {found}; they must be 0 abnormal, 1 normal")
        counts = Counter(rows["label"])
        if set(counts) - {0, 1}:
            raise DataError(f"{source}: the column 'label' of {split!r} holds more than 0 (abnormal) and 1 (normal)")
        if min(counts[0], counts[1]) < 2:
            raise DataError(f"{source}: {split!r} has {counts[0]} abnormal and {counts[1]} normal; needs 2 of each")
        rows = rows.cast_column("label", ClassLabel(names=list(LABELS)))
        rows = rows.cast_column("image", Image(decode=False))
        paths = [Path(image["path"] or "") for image in rows["image"]]
        within = folder.resolve() / split
        names = [(path.relative_to(within) if path.is_relative_to(within) else path).as_posix() for path in paths]
        data[split] = rows.add_column("name", names)
    enable_progress_bars()
    return data


def _files(split: Path) -> list[str]:
    """The pictures and metadata files of a split, brackets escaped, since `datasets` takes a path for a pattern."""
    files = [*sorted(split.rglob("metadata.jsonl")), *walk(split).pictures]
    return [glob.escape(str(file.resolve())) for file in files]


def _all_listed(folder: Path, data: DatasetDict) -> None:
    """Raise where the metadata leave a picture out: `imagefolder` would drop it silently."""
    for split, rows in data.items():
        pictures = walk(folder / split).pictures
        if len(pictures) != len(rows):
            raise DataError(f"{folder / split}: {len(pictures)} pictures, but metadata.jsonl lists {len(rows)}")


def defect_columns(rows: Dataset) -> tuple[str, ...]:
    """The kinds of damage that this data set labels, in the order of DEFECTS."""
    return tuple(defect for defect in DEFECTS if defect in rows.column_names)


def open_picture(image: dict) -> scan.Scan:
    """Open one entry of the column `image`. Raises decode.ScanError."""
    name = Path(image["path"]).name if image["path"] else None
    return scan.open_scan(image["bytes"] if image["bytes"] is not None else image["path"], name)


def prepare_dataset(rows: Dataset, size: int) -> Dataset:
    """Decode and resize once.

    size: pixels of the long side. Returns a data set with `name`, `group` (the photograph or roll; else the name),
    `pixels` (3 · height · width bytes), `width`, `label`, `defects` (one float for each labelled kind, NaN where it is
    unknown), `cells` (K · n · n bytes for all of DEFECTS, 255 = all of the cell; empty where unknown), `span` in D and
    `evidence` (the fields of `Evidence`). Pixels and cells are turned as the network is shown them. Raises DataError
    that names every picture that cannot be decoded.
    """
    # `datasets` identifies a cached result by the function's name and arguments, so a hash of the code that makes and
    # measures the pixels is one of the arguments.
    package = Path(darkroom.__file__).parent
    sources = [*sorted(path for path in package.rglob("*") if path.suffix in (".py", ".json")), Path(__file__)]
    code = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    ready = rows.map(
        _prepare_one,
        fn_kwargs={
            "size": size,
            "defects": defect_columns(rows),
            "code": code,
        },
        remove_columns=rows.column_names,
        num_proc=min(os.cpu_count() or 1, max(1, len(rows) // 32)),
        desc="Decoding and resizing",
    )
    problems = [problem for problem in ready["problem"] if problem]
    if problems:
        raise DataError("\n".join(problems))
    return ready.remove_columns("problem")


def _prepare_one(row: dict, *, size: int, defects: tuple[str, ...], code: str) -> dict:
    one = {
        "name": row["name"],
        "label": row["label"],
        "group": str(row.get("group") or row["name"]),
        "defects": [np.nan if row[defect] is None else float(row[defect]) for defect in defects],
        "cells": b"",
        "pixels": b"",
        "width": 0,
        "span": 0.0,
        "evidence": None,
        "problem": "",
    }
    try:
        opened = film.Film(open_picture(row["image"]))
        pixels, measured = film.network_input(opened, size), evidence.measure(opened)
        one |= {"pixels": pixels.tobytes(), "width": pixels.shape[2]}
        one["cells"] = _cells(row.get(CELLS_COLUMN) or [], opened.turns)
        one |= {"span": measured.density_span, "evidence": asdict(measured)}
    except decode.ScanError as error:
        one["problem"] = str(error)
    return one


def _cells(listed: list, turns: int) -> bytes:
    """Maps of the metadata, turned as the picture is, padded to all of DEFECTS: a data set made before a kind was added
    lacks its map."""
    known = np.rint(np.asarray(listed, np.float32) * 255).astype(np.uint8)
    if not known.size:
        return b""
    known = np.rot90(known, turns, (1, 2))
    return np.pad(known, [(0, len(DEFECTS) - len(known)), (0, 0), (0, 0)]).tobytes()


def unpack_row(row: dict) -> tuple[np.ndarray, np.ndarray]:
    """One row of `prepare_dataset` -> pixels (3, h, w) uint8 and, for each cell of the network's maps, the damage in
    it: (K, h / CELL, w / CELL) float32 0…1, NaN where it is unknown."""
    pixels = np.frombuffer(row["pixels"], np.uint8).reshape(3, -1, row["width"])
    rows, columns = (n // CELL for n in pixels.shape[1:])
    stored = np.frombuffer(row["cells"], np.uint8)
    if not stored.size:
        return pixels, np.full((len(DEFECTS), rows, columns), np.nan, np.float32)
    side = round((stored.size / len(DEFECTS)) ** 0.5)
    known = torch.from_numpy(stored.reshape(len(DEFECTS), side, side).astype(np.float32) / 255)
    return pixels, F.adaptive_max_pool2d(known, (rows, columns)).numpy()


def mirrored(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Planes (n, h, w) padded by their mirror image, below and to the right, so that the padding looks like film."""
    return np.pad(planes, [(0, 0), (0, height - planes.shape[1]), (0, width - planes.shape[2])], mode="symmetric")


def collate(rows: list[dict], side: int = 0, kinds: tuple[str, ...] = DEFECTS) -> dict[str, Tensor]:
    """Rows of `prepare_dataset` -> pixels (N, 3, H, W) uint8, span (N,) D, label (N,) int64, defects (N, D) and cells
    (N, K, H / CELL, W / CELL) as `unpack_row` has them. Frames of several shapes are mirrored to the largest.

    side: pixels; cut a square of that side out of each frame (`crops.crop`), 0: whole frames. kinds: what the D
    columns of `defects` are.
    """
    frames = [unpack_row(row) for row in rows]
    label, defects = [row["label"] for row in rows], [row["defects"] for row in rows]
    if side:
        cut = [crop(*each, side) for each in frames]
        frames = [(pixels, cells) for pixels, cells, _ in cut]
        found, columns = [present for *_, present in cut], [DEFECTS.index(kind) for kind in kinds]
        label = [old if new is None else int(not new.any()) for old, new in zip(label, found, strict=True)]
        defects = [old if new is None or not old else new[columns] for old, new in zip(defects, found, strict=True)]
    height, width = (max(pixels.shape[axis] for pixels, _ in frames) for axis in (1, 2))
    pixels = np.stack([mirrored(pixels, height, width) for pixels, _ in frames])
    cells = np.stack([mirrored(cells, height // CELL, width // CELL) for _, cells in frames])
    return {
        "pixels": torch.from_numpy(pixels),
        "span": torch.tensor([row["span"] for row in rows], dtype=torch.float32),
        "label": torch.tensor(label),
        "defects": torch.tensor(np.array(defects), dtype=torch.float32).reshape(len(rows), -1),
        "cells": torch.from_numpy(cells),
    }
