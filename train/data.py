"""From a folder of pictures and a CSV of labels to a data set with splits, and the same data as a table.

    python train/data.py build PICTURES LABELS.csv OUT              # the CSV has the columns picture, normal
    python train/data.py build PICTURES LABELS.csv OUT --group-by roll --picture-column file --label-column ok

OUT becomes an image folder of Hugging Face `datasets`: train/, validation/ and test/ with a metadata.jsonl each.
"""

import argparse
import hashlib
import io
import json
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from frames import CELLS, DataError, load, picture
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.decode import ScanError, read_bytes  # noqa: E402
from darkroom.folder import SUFFIXES, composed, walk  # noqa: E402
from darkroom.resnet import DEFECTS  # noqa: E402
from darkroom.scan import Scan, open_scan  # noqa: E402

LEAST = 14  # pictures of each label: a seventh, what a split gets, is two then
FOLDS = 7  # one for test, one for validation, five for training


def build(
    pictures: Path,
    labels: Path,
    out: Path,
    *,
    picture_column: str = "picture",
    label_column: str = "normal",
    group_by: str | None = None,
    seed: int = 0,
) -> dict[str, int]:
    """Check everything, then copy the pictures into splits that are stratified by label.

    The CSV names a picture by its path below `pictures`, and holds 1 for normal, 0 for abnormal; columns called like a
    kind of damage hold 0 or 1 too. group_by: column whose equal values (a roll, a source) stay in one split; a blank
    cell is no roll, so that picture is a group of its own.
    Returns the number of pictures in each split. Raises DataError that lists every fault with its row.
    """
    if out.exists():
        raise DataError(f"{out}: is there already; name another folder or remove it")
    rows = _read(labels, [picture_column, label_column, *([group_by] if group_by else [])])
    defects = [defect for defect in DEFECTS if defect in rows.columns]
    below = walk(pictures)
    if below.note:
        print(f"{pictures}: {below.note}", file=sys.stderr)
    found = {composed(p.relative_to(pictures).as_posix()): p for p in below.pictures}
    for column in (label_column, *defects):  # as tables write them that once had a gap
        rows[column] = rows[column].str.strip().replace({"1.0": "1", "0.0": "0"})
    names, truth = rows[picture_column].str.strip().map(composed), rows[label_column]

    faults = _values(labels, rows, [label_column, *defects])
    faults += _pairing(labels, names, found)
    faults += _contents(labels, names, found)
    for value, word in (("0", "abnormal"), ("1", "normal")):
        if (count := int((truth == value).sum())) < LEAST:
            faults.append(f"{labels}: {count} pictures are {word} ({value}); the splits need {LEAST} of each label")
    if faults:
        raise DataError("\n".join(faults))

    groups = _groups(rows[group_by], names) if group_by else names
    split = _split(truth.to_numpy(), groups.to_numpy(), seed)
    counts = pd.crosstab(split, truth).reindex(["train", "validation", "test"], columns=["0", "1"], fill_value=0)
    if counts.to_numpy().min() < 2:
        what = f"the groups of {group_by!r} are too few or uneven" if group_by else "the pictures are too few"
        raise DataError(f"{labels}: {what} to give each split both labels")
    records = [
        {
            "file_name": name,
            "label": int(label),
            **{defect: int(rows.loc[i, defect]) for defect in defects},
            **({"group": groups[i]} if group_by else {}),
        }
        for i, (name, label) in enumerate(zip(names, truth, strict=True))
    ]
    _write(records, split, found, out)
    return {name: int(total) for name, total in counts.sum(axis=1).items()}


def _read(labels: Path, needed: list[str]) -> pd.DataFrame:
    """The CSV as text, so that 007 stays 007 and NA stays NA."""
    text = _text(labels)
    header = text.split("\n", 1)[0]
    # Spreadsheets of many countries put semicolons between the columns, and tabs into "Unicode text".
    mark = max(",;\t", key=header.count)
    try:
        rows = pd.read_csv(io.StringIO(text), sep=mark, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{labels}: cannot be read as CSV ({error})") from None
    rows.columns = rows.columns.str.strip()
    missing = [column for column in needed if column not in rows.columns]
    if missing:
        raise DataError(f"{labels}: no column {', '.join(missing)}; it has {', '.join(rows.columns)}")
    return rows


def _text(labels: Path) -> str:
    """A text as spreadsheets save it: UTF-8, UTF-16 with its mark, or else the code page of western Windows."""
    try:
        data = labels.read_bytes()
    except OSError as error:
        raise DataError(f"{labels}: cannot be read ({error.strerror}); check the path") from None
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(f"{labels}: neither UTF-8 nor UTF-16 nor Windows-1252; save it as “CSV UTF-8”")


def _groups(rolls: pd.Series, names: pd.Series) -> pd.Series:
    """The roll of each picture, or, where the cell is blank, the picture itself."""
    rolls = rolls.str.strip()
    return rolls.where(rolls != "", "/" + names)  # "/": a roll may be called as a picture is


def _values(labels: Path, rows: pd.DataFrame, columns: list[str]) -> list[str]:
    """Cells that are neither 0 nor 1. The header is row 1, as in a spreadsheet."""
    return [
        f"{labels}, row {i + 2}: {column} is {value!r}, not 0 or 1"
        for column in columns
        for i, value in enumerate(rows[column])
        if value not in ("0", "1")
    ]


def _pairing(labels: Path, names: pd.Series, found: dict[str, Path]) -> list[str]:
    """Pictures without a row, rows without a picture, and pictures with two rows."""
    faults, first = [], {}
    for i, name in enumerate(names):
        if name not in found and Path(name).suffix.lower() not in SUFFIXES:
            opened = " ".join(sorted(SUFFIXES))
            faults.append(f"{labels}, row {i + 2}: {name!r} has an unknown suffix; what can be opened is {opened}")
        elif name not in found:
            faults.append(f"{labels}, row {i + 2}: there is no picture {name!r}")
        elif name in first:
            faults.append(f"{labels}, row {i + 2}: {name!r} is in row {first[name] + 2} already")
        first.setdefault(name, i)
    return faults + [f"{found[name]}: is not in {labels}" for name in sorted(found) if name not in first]


def _contents(labels: Path, names: pd.Series, found: dict[str, Path]) -> list[str]:
    """Pictures that cannot be decoded, and the same picture under two names, which could straddle two splits."""
    there = {name: i for i, name in names.drop_duplicates().items() if name in found}
    faults, first = [], {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        checked = pool.map(_check, [found[name] for name in there], chunksize=4)
        for (name, i), (digest, fault) in zip(there.items(), tqdm(checked, "Checking", len(there)), strict=True):
            if fault:
                faults.append(f"{labels}, row {i + 2}: {fault}")
            elif digest in first:
                faults.append(f"{labels}, row {i + 2}: {name!r} is the same picture as {first[digest]!r}")
            first.setdefault(digest, name)
    return faults


def _check(path: Path) -> tuple[str, str]:
    """Digest of a file, and why it is no picture, or an empty text."""
    digest = ""
    try:
        data = read_bytes(path, str(path))
        digest = hashlib.sha256(data).hexdigest()
        open_scan(data, str(path))
    except ScanError as error:
        return digest, str(error)
    return digest, ""


def _split(truth: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """(N,) names of splits."""
    split = np.full(len(truth), "train", dtype=object)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(truth, truth, groups)
    for name, (_, members) in zip(("test", "validation"), folds, strict=False):
        split[members] = name
    return split


def _write(records: list[dict], split: np.ndarray, found: dict[str, Path], out: Path) -> None:
    """Nothing is at `out` until all of it is."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        for record, name in zip(records, split, strict=True):
            target = unfinished / name / record["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found[record["file_name"]], target)
        for name in np.unique(split):
            lines = [json.dumps(record) for record, place in zip(records, split, strict=True) if place == name]
            (unfinished / name / "metadata.jsonl").write_text("\n".join(lines) + "\n")
        unfinished.rename(out)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise DataError(f"{out}: cannot be written ({error.strerror})") from None


def table(source: str) -> pd.DataFrame:
    """A data set, as `frames.load` takes it, as a table: one row a picture with split, name, label and what else its
    metadata hold. `picture_of` opens a row's picture. Raises DataError."""
    parts = []
    for split, rows in load(source).items():
        part = rows.remove_columns([CELLS] if CELLS in rows.column_names else []).to_pandas()
        part.insert(0, "split", split)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def picture_of(frame: pd.DataFrame, key: int | str) -> Scan:
    """Open the picture of one row of `table`, by its index or its name. Raises KeyError, or decode.ScanError."""
    rows = frame.index[frame["name"] == key] if isinstance(key, str) else [key]
    if len(rows) != 1:
        raise KeyError(f"{len(rows)} pictures are called {key!r}")
    return picture(frame.at[rows[0], "image"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    command = parser.add_subparsers(required=True).add_parser("build", help="make a data set with splits")
    command.add_argument("pictures", type=Path, help="folder of pictures")
    command.add_argument("labels", type=Path, help="CSV, one row a picture")
    command.add_argument("out", type=Path, help="folder to make")
    command.add_argument("--picture-column", default="picture", help="default: picture")
    command.add_argument("--label-column", default="normal", help="1 readable, 0 damaged; default: normal")
    command.add_argument("--group-by", help="column of the roll or source, which then stays within one split")
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=build)
    args = vars(parser.parse_args())
    try:
        counts = args.pop("run")(**args)
    except DataError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(", ".join(f"{name} {count}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
