"""The verdicts file: one row a scan, as CSV, JSON lines or Parquet by its suffix, or a folder of Parquet files; there
only when it is whole."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

SUFFIXES = (".csv", ".jsonl", ".parquet")
PART_ROWS = 100_000  # of one Parquet file in a folder of them
WORDS = ("file", "verdict", "reason", "not_negative", "error")  # columns that are text; the others: probabilities
ROW_GROUP = 4096  # rows that Parquet keeps together, and so the most that wait in memory


def csv_text(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """A small table as CSV."""
    out = io.StringIO()
    table = csv.DictWriter(out, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


class OutputError(ValueError):
    """The verdicts cannot be written there; the message says why."""


def check(path: Path, what: str = "verdicts", suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Raise OutputError unless verdicts, or what else, can be written to `path`."""
    if path.suffix.lower() not in suffixes:
        raise OutputError(f"{path}: {what} are written as {', '.join(filter(None, suffixes))}; name the file so")
    if path.suffix.lower() in (".parquet", "") and find_spec("pyarrow") is None:
        raise OutputError(f"{path}: Parquet is written by pyarrow, which is not installed; pip install pyarrow")
    if path.is_dir() and (path.suffix or any(not each.match(PARTS) for each in path.iterdir())):
        raise OutputError(
            f"{path}: this is a folder with other files in it; name a file, or a folder that is not there"
        )
    if not path.suffix and path.is_file():
        raise OutputError(f"{path}: this is a file; name a folder for Parquet files, or a file {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent}: there is no such folder; make it first")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.parent}: this folder may not be written to; name another")


class VerdictsFile:
    """Open for writing; appears under its name when the `with` block ends well, and not at all when it does not.

    path: has passed `check`. columns: names of what a row holds. Raises OSError when the disk is full.
    """

    def __init__(self, path: Path, columns: Sequence[str]):
        self.path, self.suffix, self.columns = path, path.suffix.lower(), columns
        self.part = path.with_name(f".{path.name}.part")
        self.sink: Any = None  # a text file, or pyarrow's writer
        self.waiting: list[dict[str, Any]] = []

    def __enter__(self) -> "VerdictsFile":
        if self.suffix == ".parquet":
            import pyarrow as pa  # large, and of no use to the page
            import pyarrow.parquet as pq

            schema = pa.schema([(name, pa.string() if name in WORDS else pa.float64()) for name in self.columns])
            self.sink = pq.ParquetWriter(self.part, schema)
        else:
            # Excel takes a CSV for UTF-8 only when it begins with a byte order mark; every reader here would see one
            # in the first column's name, so there is none.
            self.sink = self.part.open("w", encoding="utf-8", newline="")
            if self.suffix == ".csv":
                self.table = csv.DictWriter(self.sink, self.columns)
                self.table.writeheader()
        return self

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Append rows, each with the keys `columns`; None is an empty cell."""
        if self.suffix == ".csv":
            self.table.writerows(rows)
        elif self.suffix == ".jsonl":
            self.sink.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            self.waiting += rows
            if len(self.waiting) >= ROW_GROUP:
                self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self.sink.write_table(pa.Table.from_pylist(self.waiting, self.sink.schema))
        self.waiting = []

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None and self.waiting:
                self._flush()
            self.sink.close()
            if kind is None:
                os.replace(self.part, self.path)
        finally:
            self.part.unlink(missing_ok=True)


PARTS = "part-*.parquet"


class PartsFolder:
    """As `VerdictsFile`: a folder of Parquet files with `PART_ROWS` rows each, in their order."""

    def __init__(self, path: Path, columns: Sequence[str]):
        self.path, self.columns = path, columns
        self.part = path.with_name(f".{path.name}.part")
        self.file: VerdictsFile | None = None
        self.files = self.rows = 0

    def __enter__(self) -> "PartsFolder":
        shutil.rmtree(self.part, ignore_errors=True)  # of a run that was killed
        self.part.mkdir()
        self._next()
        return self

    def _next(self) -> None:
        self.file = VerdictsFile(self.part / f"part-{self.files:05}.parquet", self.columns).__enter__()
        self.files, self.rows = self.files + 1, 0

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Append rows."""
        assert self.file
        while rows:
            if self.rows == PART_ROWS:
                self.file.__exit__(None, None, None)
                self._next()
            some, rows = rows[: PART_ROWS - self.rows], rows[PART_ROWS - self.rows :]
            self.file.write(some)
            self.rows += len(some)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self.file:
                self.file.__exit__(kind, error, trace)
            if kind is None:
                old = self.path.with_name(f".{self.path.name}.old")
                if self.path.exists():
                    os.replace(self.path, old)
                os.replace(self.part, self.path)
                shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(self.part, ignore_errors=True)


def table_at(path: Path, columns: Sequence[str]) -> VerdictsFile | PartsFolder:
    """The table at `path`, for a `with` block; a path without a suffix is a folder of Parquet files."""
    return VerdictsFile(path, columns) if path.suffix else PartsFolder(path, columns)
