"""A verdict for every scan of an archive, a table of them, in memory that does not grow with it.

counts = score(load(), find(["scans"])[0], Path("verdicts.csv"))
"""

import os
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import tqdm

from ..files.archive import Found, each_frame
from ..files.decode import ScanError
from ..files.folder import walk
from ..files.table import VerdictsFile
from ..film.scan import open_scan
from .calibration import PRIOR
from .prefetch import ahead
from .record import COLUMNS
from .verdict import Judge, Prepared

BATCH = 16  # scans in one forward pass
READERS = min(4, os.cpu_count() or 1)  # threads that decode; what takes much memory to open waits for its turn


def find(paths: list[str]) -> tuple[list[Found], list[str]]:
    """Every file named, and every picture below every folder named, once each: folders' contents in sorted order, each
    page of a TIFF by itself. And what is to be said of pictures that were skipped, a sentence a folder."""
    found: dict[str, Path] = {}
    notes = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.setdefault(os.path.abspath(path), path)
            continue
        below = walk(path)
        notes += [f"{path}: {below.note}"] if below.note else []
        for one in below.pictures:
            found.setdefault(os.path.abspath(one), one)
    # A name that is no UTF-8 has its odd bytes escaped.
    files = [Found(str(path).encode("utf-8", "backslashreplace").decode(), path) for path in found.values()]
    return [frame for file in files for frame in each_frame(file)], notes


def prepare(judge: Judge, frame: Found, light: str = "auto") -> tuple[str, Prepared | None, str]:
    """(name, what the judge needs or None, what is wrong)."""
    name = frame.name
    if frame.path is None:
        return name, None, frame.error
    try:
        return name, judge.prepare(open_scan(frame.path, name, number=frame.number, light=light)), ""
    except ScanError as error:
        return name, None, str(error)
    except Exception as error:  # one odd file must not cost the verdicts on a whole archive
        what = f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace").decode()
        return name, None, f"{name}: cannot be judged ({what}); please report this file"


def rows_of(judge: Judge, batch: list[tuple[str, Prepared | None, str]], prior: float) -> list[dict[str, Any]]:
    """The rows of one batch, in its order."""
    verdicts = iter(judge.judge_prepared([prepared for _, prepared, _ in batch if prepared], prior))
    return [
        next(verdicts).row() if prepared else {**dict.fromkeys(COLUMNS), "file": name, "error": error}
        for name, prepared, error in batch
    ]


class Alone:
    """The one process that does all the work; `train/score.py` has one for several that share it.

    index, count: which process this is, and of how many. device: where the network runs.
    """

    index, count = 0, 1

    def __init__(self) -> None:
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        self.device = found or torch.device("cpu")

    def first(self) -> AbstractContextManager[Any]:
        """Around what the first process does before the others: who comes first fills the Hub's cache for all."""
        return nullcontext()

    def gather(self, mine: list[Any]) -> list[Any]:
        """What all processes have, in one list."""
        return mine

    def wait(self) -> None:
        """Until all have come here."""


def score(
    judge: Judge,
    frames: list[Found],
    output: Path,
    prior: float = PRIOR,
    light: str = "auto",
    processes: Alone | None = None,
) -> Counter[str]:
    """Judge `frames` and write `output`, which has passed `table.check`.

    prior, light: as for `Judge.judge` and `open_scan`. Returns how many frames got which verdict; "" counts those
    without one. Raises OSError where `output` cannot be written.
    """
    processes = processes or Alone()
    judge.model.to(processes.device)
    main, count = processes.index == 0, processes.count
    # Process r takes frames r, r + n, r + 2n…; a round is one batch of each, gathered and put back in order.
    mine = ahead(partial(prepare, judge, light=light), frames[processes.index :: count], READERS, BATCH)
    counts: Counter[str] = Counter()
    bar = tqdm(total=len(frames), unit="scan", disable=not main, dynamic_ncols=True)
    with VerdictsFile(output, COLUMNS) if main else nullcontext() as file, bar:
        for start in range(0, len(frames), BATCH * count):
            batch = rows_of(judge, list(islice(mine, BATCH)), prior)
            places = range(start + processes.index, len(frames), count)[: len(batch)]
            gathered = processes.gather(list(zip(places, batch, strict=True)))
            rows = [row for _, row in sorted(gathered, key=lambda placed: placed[0])]
            if file:
                file.write(rows)
                for row in rows:
                    if row["error"]:
                        bar.write(row["error"], file=sys.stderr)
            counts.update(row["verdict"] or "" for row in rows)
            bar.update(len(rows))
    processes.wait()
    return counts
