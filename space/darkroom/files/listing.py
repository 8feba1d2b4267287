"""Tables that list files: CSV, however a spreadsheet saved it, or Parquet."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from .table import OutputError

LISTING = ("file", "path", "file_name", "filename")  # columns that name pictures, the first that is there


def listed(table: Path) -> Iterator[str]:
    """The paths in a table of files, CSV (by comma, semicolon or tab) or Parquet, one row after another; empty cells
    are left out. Raises OutputError where it has none of the columns `LISTING` or cannot be read."""
    try:
        yield from _parquet_paths(table) if table.suffix.lower() == ".parquet" else _csv_paths(table)
    except (OSError, ValueError, csv.Error, KeyError) as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{table}: cannot be read as a table of files ({error}); save it again") from None


def _column(table: Path, names: Sequence[str]) -> str:
    for wanted in LISTING:
        for name in names:
            if name.strip().lower() == wanted:
                return name
    raise OutputError(f"{table}: no column says which files; call it {LISTING[0]}")


def _csv_paths(table: Path) -> Iterator[str]:
    # What is no UTF-8 goes back to the bytes that the disk's names have.
    with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        first = file.readline()
        file.seek(0)
        rows = csv.DictReader(file, delimiter=max(",;\t", key=first.count))
        column = _column(table, rows.fieldnames or ())
        yield from (row[column] for row in rows if row[column])


def _parquet_paths(table: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(table) as file:
        column = _column(table, file.schema_arrow.names)
        for batch in file.iter_batches(columns=[column]):
            yield from (str(name) for name in batch.column(0).to_pylist() if name)
