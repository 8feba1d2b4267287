"""A verdict for every scan of an archive, a table of them, in memory that does not grow with it.

counts = score(load(), list_frames(["scans"])[0], Path("verdicts.csv"))
"""

import os
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub.utils import tqdm

from ..files.archive import FrameSource, each_frame
from ..files.decode import ScanError
from ..files.folder import walk
from ..files.pairs import paired
from ..files.table import VerdictsFile
from ..film.preview import reduce, thumbnail
from ..film.scan import open_scan
from .calibration import PRIOR
from .contact import ContactSheet
from .prefetch import ahead
from .record import COLUMNS
from .verdict import Judge, Prepared

BATCH = 16  # scans in one forward pass
READERS = min(4, os.cpu_count() or 1)  # threads that decode; what takes much memory to open waits for its turn


def list_frames(paths: list[str]) -> tuple[list[FrameSource], list[str]]:
    """Every file named, and every picture below every folder named, once each: folders' contents in sorted order, each
    page of a TIFF by itself, an infrared file with its picture. And what is to be said of pictures that were skipped,
    a sentence a folder."""
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
    files = [FrameSource(str(path).encode("utf-8", "backslashreplace").decode(), path) for path in found.values()]
    return [frame for file in paired(files) for frame in each_frame(file)], notes


class Ready(NamedTuple):
    """A frame that was read. prepared: what the judge needs, or None; then `error` says what is wrong. picture: a small
    JPEG of the positive, empty unless it was asked for."""

    name: str
    prepared: Prepared | None
    error: str
    picture: bytes


def prepare(judge: Judge, frame: FrameSource, light: str = "auto", pictures: bool = False) -> Ready:
    """Read a frame, with a small picture of the positive if `pictures` are wanted."""
    name = frame.name
    if frame.path is None:
        return Ready(name, None, frame.error, b"")
    try:
        scan = open_scan(frame.path, name, number=frame.number, light=light, infrared=frame.infrared)
        return Ready(name, judge.prepare(scan), "", thumbnail(reduce(scan, side=600)) if pictures else b"")
    except ScanError as error:
        return Ready(name, None, str(error), b"")
    except Exception as error:  # one odd file must not cost the verdicts on a whole archive
        what = f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace").decode()
        return Ready(name, None, f"{name}: cannot be judged ({what}); please report this file", b"")


def rows_of(judge: Judge, batch: list[Ready], prior: float) -> list[dict[str, Any]]:
    """The rows of one batch, in its order."""
    verdicts = iter(judge.judge_prepared([ready.prepared for ready in batch if ready.prepared], prior))
    return [
        next(verdicts).row() if ready.prepared else {**dict.fromkeys(COLUMNS), "file": ready.name, "error": ready.error}
        for ready in batch
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
    frames: list[FrameSource],
    output: Path,
    prior: float = PRIOR,
    light: str = "auto",
    processes: Alone | None = None,
    sheet: ContactSheet | None = None,
) -> Counter[str]:
    """Judge `frames` and write `output`, which has passed `table.check`, and a contact sheet if one is wanted.

    prior, light: as for `Judge.judge` and `open_scan`. Returns how many frames got which verdict; "" counts those
    without one. Raises OSError where `output` or the sheet cannot be written.
    """
    processes = processes or Alone()
    judge.model.to(processes.device)
    main, count = processes.index == 0, processes.count
    # Process r takes frames r, r + n, r + 2n…; a round is one batch of each, gathered and put back in order.
    work = partial(prepare, judge, light=light, pictures=sheet is not None)
    mine = ahead(work, frames[processes.index :: count], READERS, BATCH)
    counts: Counter[str] = Counter()
    bar = tqdm(total=len(frames), unit="scan", disable=not main, dynamic_ncols=True)
    printing = sheet if sheet and main else nullcontext()  # written last: it must not cost the verdicts
    with printing, VerdictsFile(output, COLUMNS) if main else nullcontext() as file, bar:
        for start in range(0, len(frames), BATCH * count):
            batch = list(islice(mine, BATCH))
            places = range(start + processes.index, len(frames), count)[: len(batch)]
            pictures = [ready.picture for ready in batch]
            gathered = processes.gather(list(zip(places, rows_of(judge, batch, prior), pictures, strict=True)))
            gathered.sort(key=lambda placed: placed[0])
            rows = [row for _, row, _ in gathered]
            if file:
                if sheet:
                    for _, row, picture in gathered:
                        sheet.add(row, picture)
                file.write(rows)
                for row in rows:
                    if row["error"]:
                        bar.write(row["error"], file=sys.stderr)
            counts.update(row["verdict"] or "" for row in rows)
            bar.update(len(rows))
    processes.wait()
    return counts
