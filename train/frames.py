"""Frames ready for the network: a data set on disk or on the Hub, decoded and resized once, kept as bytes.

The first run over a data set decodes every picture; `datasets` keeps the result in its cache, memory-mapped, and later
runs at the same input size begin at once. A picture or a decoder that changed is decoded again.
"""

import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Image, disable_progress_bars, enable_progress_bars, load_dataset
from torch import Tensor
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom import decode, evidence, film, scan  # noqa: E402
from darkroom.resnet import DEFECTS, LABELS  # noqa: E402

SPLITS = ("train", "validation", "test")
NEEDED = {"train", "validation"}
CELLS = "defect_cells"  # (6, h, w) share of each cell that is damaged, in the order of DEFECTS


class DataError(ValueError):
    """The data set cannot be used; the message says why, one fault a line."""


def load(source: str) -> DatasetDict:
    """Open an image folder with split sub-folders, or a data set on the Hub, without decoding a picture.

    Every split has the columns `image` (path and bytes), `name` (path below the split's folder), `label` (ClassLabel
    abnormal, normal) and whatever else its metadata holds. Raises DataError.
    """
    folder = Path(source)
    disable_progress_bars()
    try:
        if folder.is_dir():
            splits = [split for split in SPLITS if (folder / split / "metadata.jsonl").is_file()]
            if not NEEDED <= set(splits):
                raise DataError(
                    f"{folder}: needs train/metadata.jsonl and validation/metadata.jsonl. "
                    f"Make them from pictures and a CSV with: python train/data.py build"
                )
            data = load_dataset("imagefolder", data_files={s: f"{folder.resolve()}/{s}/**" for s in splits})
            _all_listed(folder, data)
        else:
            data = load_dataset(source)
    except (FileNotFoundError, ConnectionError) as error:
        raise DataError(f"{source}: neither a folder here nor a data set on the Hub ({error})") from None
    if not NEEDED <= set(data):
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


def _all_listed(folder: Path, data: DatasetDict) -> None:
    """`imagefolder` drops a picture that its metadata does not list without a word."""
    for split, rows in data.items():
        pictures = [p for p in (folder / split).rglob("*") if p.suffix.lower() in decode.SUFFIXES]
        if len(pictures) != len(rows):
            raise DataError(f"{folder / split}: {len(pictures)} pictures, but metadata.jsonl lists {len(rows)}")


def defect_columns(rows: Dataset) -> tuple[str, ...]:
    """The kinds of damage that this data set labels, in the order of DEFECTS."""
    return tuple(defect for defect in DEFECTS if defect in rows.column_names)


def picture(image: dict) -> scan.Scan:
    """Open one entry of the column `image`. Raises decode.ScanError."""
    name = Path(image["path"]).name if image["path"] else None
    return scan.open_scan(image["bytes"] if image["bytes"] is not None else image["path"], name)


def prepare(rows: Dataset, size: int, *, with_evidence: bool = False) -> Dataset:
    """Decode and resize once.

    Returns a data set with `name`, `group` (the photograph or roll, else the name), `pixels` (3 · size · size bytes),
    `label`, `defects` (one float for each labelled kind), `cells` (6 · h · w bytes, 255 = all of the cell; empty where
    unknown) and `evidence` (the fields of `Evidence`; None unless asked for). Raises DataError that names every picture
    that cannot be decoded.
    """
    # `datasets` recognises a function by its name and arguments: the code that makes the pixels and measures the film,
    # with its weights, is one of them.
    room = Path(evidence.__file__).parent
    sources = [*sorted(path for path in room.iterdir() if path.is_file()), Path(__file__)]
    code = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    ready = rows.map(
        _prepare_one,
        fn_kwargs={
            "size": size,
            "with_evidence": with_evidence,
            "defects": defect_columns(rows),
            "code": code,
        },
        remove_columns=rows.column_names,
        num_proc=min(os.cpu_count() or 1, max(1, len(rows) // 32)),
        desc="Decoding and resizing",
    )
    faults = [fault for fault in ready["fault"] if fault]
    if faults:
        raise DataError("\n".join(faults))
    return ready.remove_columns("fault")


def _prepare_one(row: dict, *, size: int, with_evidence: bool, defects: tuple[str, ...], code: str) -> dict:
    one = {
        "name": row["name"],
        "group": str(row.get("group") or row["name"]),
        "label": row["label"],
        "defects": [float(row[defect]) for defect in defects],
        "cells": np.rint(np.asarray(row.get(CELLS) or [], np.float32) * 255).astype(np.uint8).tobytes(),
        "pixels": b"",
        "evidence": None,
        "fault": "",
    }
    try:
        opened = film.Film(picture(row["image"]))
        one["pixels"] = film.network_input(opened, size).tobytes()
        if with_evidence:
            one["evidence"] = asdict(evidence.measure(opened))
    except decode.ScanError as error:
        one["fault"] = str(error)
    return one


def collate(rows: list[dict]) -> dict[str, Tensor]:
    """Rows of `prepare` -> pixels (N, 3, S, S) uint8, label (N,) int64, defects (N, D) and cells (N, 6, h, w) float
    0…1 with h = w = 0 where the data set has no maps."""
    n = len(rows)
    pixels = np.frombuffer(b"".join(row["pixels"] for row in rows), np.uint8)
    size = round((pixels.size / (3 * n)) ** 0.5)
    cells = np.frombuffer(b"".join(row["cells"] for row in rows), np.uint8)
    grid = round((cells.size / (len(DEFECTS) * n)) ** 0.5)
    return {
        "pixels": torch.from_numpy(pixels.reshape(n, 3, size, size).copy()),
        "label": torch.tensor([row["label"] for row in rows]),
        "defects": torch.tensor([row["defects"] for row in rows], dtype=torch.float32).reshape(n, -1),
        "cells": torch.from_numpy(cells.reshape(n, len(DEFECTS), grid, grid).astype(np.float32) / 255),
    }


def measured(split: Path, measure: Callable[[film.Film], tuple]) -> tuple[list[dict], list[tuple]]:
    """The rows of a simulated split, twins next to each other, and what `measure` says of each frame's film.

    `measure` runs in as many processes as there are cores, so it is a function that a module names. Raises
    FileNotFoundError.
    """
    if not (split / "metadata.jsonl").is_file():
        raise FileNotFoundError(f"{split}: no metadata.jsonl; make a data set with train/simulate.py")
    rows = [json.loads(line) for line in (split / "metadata.jsonl").read_text().splitlines()]
    rows = sorted(rows, key=lambda row: row["file_name"])
    paths = [split / row["file_name"] for row in rows]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(partial(_measured, measure=measure), paths, chunksize=8)
        return rows, list(tqdm(found, total=len(rows), desc=split.name, unit="frame"))


def _measured(path: Path, measure: Callable[[film.Film], tuple]) -> tuple:
    return measure(film.Film(scan.open_scan(path)))
