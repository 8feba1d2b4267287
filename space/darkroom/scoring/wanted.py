"""What a run writes when all is judged: the table, and what else was asked for, each file whole or not at all."""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.sidecar_file import merge_beside
from ..files.table import OutputError, csv_text, table_at
from ..files.whole import write_whole
from ..judge.contact import ContactSheet
from ..judge.record import COLUMNS
from .duplicates import groups
from .items import Item
from .journal import Journal
from .judging import Judging
from .lighttable import write_light_table
from .manifest import Model, manifest
from .pictures import FOLDER
from .rollup import COLUMNS as FOLDER_COLUMNS
from .rollup import roll_up

BATCH = 1000  # rows written at once


@dataclass(frozen=True)
class Wanted:
    """What a run is to write.

    output: the table, which has passed `table.check`. only: the verdict whose frames are listed in it, in `print0`, on
    sheets and in sidecars; empty for all. light_table, sidecars: whether there are. print0: whether the files of the
    frames are printed, each with a zero byte behind it. sheet: a contact sheet.
    """

    output: Path
    only: str = ""
    light_table: bool = False
    sidecars: bool = False
    print0: bool = False
    sheet: ContactSheet | None = None

    @property
    def pictures(self) -> bool:
        """Whether small pictures are needed."""
        return self.light_table or self.sheet is not None

    def has(self, kept: dict[str, Any]) -> bool:
        """Whether a frame is wanted."""
        return not self.only or kept["row"]["verdict"] == self.only


def write_all(journal: Journal, model: Model, judging: Judging, wanted: Wanted, folder: Path) -> Counter[str]:
    """Write what is wanted, the rest into `folder`; returns how many frames of all have which verdict.
    Raises OutputError where one cannot be written."""
    counts, items, listing, before = Counter[str](), 0, hashlib.sha256(), None
    for item, kept in journal.frames():
        counts[kept["row"]["verdict"] or ""] += 1
        if item.key != before:
            items, before = items + 1, item.key
            listing.update(f"{item.name}\0{item.mark}\n".encode())
    file: Path = folder
    try:
        write_whole(folder / "folders.csv", csv_text(FOLDER_COLUMNS, roll_up(journal, judging.prior)).encode())
        write_whole(folder / "duplicates.csv", csv_text(("group", "file"), groups(journal)).encode())
        if wanted.light_table:
            write_light_table(folder, journal, wanted.has, counts)
        if wanted.sidecars:
            _sidecars(journal, wanted)
        if wanted.sheet:
            file = wanted.sheet.path
            with wanted.sheet as sheet:
                for kept in chosen(journal, wanted):
                    sheet.add(kept["row"], picture_of(folder, kept))
        file = wanted.output
        write_table(journal, wanted)
        file = folder
        said = manifest(model, judging, counts, items, listing.hexdigest(), wanted.only)
        write_whole(folder / "manifest.json", said.encode())
    except OSError as error:
        what = f"cannot be written ({error.strerror or error}); what was judged is kept, run the same command again"
        raise OutputError(f"{file}: {what}") from None
    if wanted.print0:
        _print0(journal, wanted)
    return counts


def chosen(journal: Journal, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The frames that are wanted, in the order of the list."""
    return (kept for _, kept in journal.frames() if wanted.has(kept))


def picture_of(folder: Path, kept: dict[str, Any]) -> bytes:
    """The small picture of a frame, or nothing."""
    return (folder / FOLDER / kept["picture"]).read_bytes() if kept["picture"] else b""


def write_table(journal: Journal, wanted: Wanted) -> None:
    """The table of verdicts."""
    rows: list[dict[str, Any]] = []
    with table_at(wanted.output, COLUMNS) as table:
        for kept in chosen(journal, wanted):
            rows.append(kept["row"])
            if len(rows) == BATCH:
                table.write(rows)
                rows = []
        table.write(rows)


def files_of(journal: Journal, wanted: Wanted) -> Iterator[tuple[Item, list[dict[str, Any]]]]:
    """Each item of which a frame is wanted, with those of its frames."""
    held: tuple[Item, list[dict[str, Any]]] | None = None
    for item, kept in journal.frames():
        if not wanted.has(kept):
            continue
        if held and held[0].key == item.key:
            held[1].append(kept)
            continue
        if held:
            yield held
        held = item, [kept]
    if held:
        yield held


def _sidecars(journal: Journal, wanted: Wanted) -> None:
    for item, frames in files_of(journal, wanted):
        said = [kept["sidecar"] for kept in frames if kept["sidecar"]]
        if item.path and item.member < 0 and said:
            merge_beside(Path(os.fsdecode(item.path)), said)


def _print0(journal: Journal, wanted: Wanted) -> None:
    for item, _ in files_of(journal, wanted):
        name = item.path if item.path and item.member < 0 else item.name.encode()
        sys.stdout.buffer.write(name + b"\0")
    sys.stdout.flush()
