"""Checks of a folder of pictures and its table of labels; each problem is one sentence."""

import hashlib
import os
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from darkroom.files.archive import FrameSource
from darkroom.files.decode import ScanError, read_bytes
from darkroom.files.folder import SUFFIXES
from darkroom.film.scan import open_scan

PAGE = re.compile(r"#\d+$")


def values(labels: Path, rows: pd.DataFrame, columns: list[str]) -> list[str]:
    """Cells that are neither 0 nor 1."""
    return [
        f"{labels}, row {row}: {column} is {value!r}, not 0 or 1"
        for column in columns
        for row, value in rows[column].items()
        if value not in ("0", "1")
    ]


def pairing(labels: Path, names: pd.Series, found: dict[str, FrameSource]) -> list[str]:
    """Pictures without a row, rows without a picture, and pictures with two rows."""
    problems, first = [], {}
    for row, name in names.items():
        if name not in found and Path(PAGE.sub("", name)).suffix.lower() not in SUFFIXES:
            opened = " ".join(sorted(SUFFIXES))
            problems.append(f"{labels}, row {row}: {name!r} has an unknown suffix; what can be opened is {opened}")
        elif name not in found:
            problems.append(f"{labels}, row {row}: there is no picture {name!r}")
        elif name in first:
            problems.append(f"{labels}, row {row}: {name!r} is in row {first[name]} already")
        first.setdefault(name, row)
    return problems + [f"{_place(found[name])}: is not in {labels}" for name in sorted(found) if name not in first]


def contents(labels: Path, names: pd.Series, found: dict[str, FrameSource]) -> list[str]:
    """Pictures that cannot be decoded, and the same picture under two names, which could straddle two splits."""
    there = {name: row for row, name in names.drop_duplicates().items() if name in found}
    problems, first = [], {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        checked = pool.map(_check, [found[name] for name in there], chunksize=4)
        for (name, row), (digest, problem) in zip(there.items(), tqdm(checked, "Checking", len(there)), strict=True):
            if problem:
                problems.append(f"{labels}, row {row}: {problem}")
            elif digest in first:
                problems.append(f"{labels}, row {row}: {name!r} is the same picture as {first[digest]!r}")
            first.setdefault(digest, name)
    return problems


def _place(frame: FrameSource) -> str:
    """The path of a frame with its page, as a message names it."""
    return str(frame.path.with_name(Path(frame.name).name))


def _check(frame: FrameSource) -> tuple[str, str]:
    """Digest of a frame, and why it cannot be opened, or an empty text."""
    digest = ""
    try:
        data = read_bytes(frame.path, _place(frame))
        digest = hashlib.sha256(data).hexdigest()
        scan = open_scan(data, _place(frame), number=frame.number)
        if scan.frames > 1:
            digest = hashlib.sha256(scan.small_pixels.tobytes()).hexdigest()
    except ScanError as error:
        return digest, str(error)
    return digest, ""
