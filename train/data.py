"""From a folder of pictures and a CSV of labels to a data set with splits, and the same data as a table.

    python train/data.py build PICTURES LABELS.csv OUT              # the CSV has the columns picture, normal
    python train/data.py build PICTURES LABELS.csv OUT --group-by roll --picture-column file --label-column ok

OUT becomes an image folder of Hugging Face `datasets`: train/, validation/ and test/ with a metadata.jsonl each.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from darkroom.files.archive import FrameSource, each_frame
from darkroom.files.folder import composed, walk
from darkroom.files.pairs import paired
from darkroom.film.scan import Scan
from darkroom.taxonomy import DEFECTS
from learning import labels as tables
from learning.checks import contents, pairing, values
from learning.dataset import CELLS_COLUMN, DataError, open_dataset, open_picture
from learning.image_folder import stored, write

LEAST = 4  # pictures of each label: two to train on, two for validation
FOLDS = 7  # one for test, one for validation, five for training; of fewer than 14 of a label there is no test split


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

    The CSV names a picture by its path below `pictures`, a page of a TIFF by that and `#1`, `#2`… or all of its pages
    by the path alone, and holds 1 for normal, 0 for abnormal; columns named like a kind of damage hold 0 or 1 too.
    group_by: column whose equal values (a roll, a source) stay in one split; a picture with a blank cell is a group of
    its own.
    Returns the number of pictures in each split. Raises DataError that lists every problem with its row.
    """
    if out.exists():
        raise DataError(f"{out}: is there already; name another folder or remove it")
    files = _files(pictures)
    found = {frame.name: frame for frames in files.values() for frame in frames}
    needed = [picture_column, label_column, *([group_by] if group_by else [])]
    rows = tables.read(labels, needed, [*files, *found])
    defects = [defect for defect in DEFECTS if defect in rows.columns]
    for column in (label_column, *defects):  # as pandas writes a column that once had a gap
        rows[column] = rows[column].str.strip().replace({"1.0": "1", "0.0": "0"})
    problems = values(labels, rows, [label_column, *defects])
    rows[picture_column] = [_named(name, files, found) for name in rows[picture_column]]
    rows = rows.explode(picture_column)
    names, truth = rows[picture_column], rows[label_column]

    problems += pairing(labels, names, found)
    problems += contents(labels, names, found)
    abnormal, normal = (int((truth == value).sum()) for value in ("0", "1"))
    if min(abnormal, normal) < LEAST:
        problems.append(
            f"{labels}: {abnormal} pictures are abnormal (0) and {normal} normal (1); "
            f"{LEAST} of each are needed: label more"
        )
    if problems:
        raise DataError("\n".join(problems))

    groups = _groups(rows[group_by], names) if group_by else names
    split = _split(truth.to_numpy(), groups.to_numpy(), seed)
    names_of_splits = ["train", "validation", *(["test"] if "test" in split else [])]
    counts = pd.crosstab(split, truth).reindex(names_of_splits, columns=["0", "1"], fill_value=0)
    if counts.to_numpy().min() < 2:  # without groups `LEAST` is enough
        what = f"the groups of {group_by!r} are too few or uneven to give each split both labels; label more of them"
        raise DataError(f"{labels}: {what}")
    records = [
        {
            "file_name": stored(found[name]),
            "label": int(row[label_column]),
            **{defect: int(row[defect]) for defect in defects},
            **({"group": group} if group_by else {}),
        }
        for name, row, group in zip(names, rows.to_dict("records"), groups, strict=True)
    ]
    write([found[name] for name in names], records, split, out)
    return {name: int(total) for name, total in counts.sum(axis=1).items()}


def _files(pictures: Path) -> dict[str, list[FrameSource]]:
    """The frames of each file below a folder, by its relative path. Each page of a TIFF is a frame; an infrared file
    belongs to its picture."""
    below, files = walk(pictures), {}
    if below.note:
        print(f"{pictures}: {below.note}", file=sys.stderr)
    for path in below.pictures:
        name = composed(path.relative_to(pictures).as_posix())
        if name in files:
            raise DataError(f"{path}: another file has the same name but for how its accents are stored; rename one")
        files[name] = FrameSource(name, path)
    return {file.name: each_frame(file) for file in paired(files.values())}


def _named(name: str, files: dict[str, list[FrameSource]], found: dict[str, FrameSource]) -> list[str]:
    """The frames that a cell names: by path, perhaps with backslashes; by the name of `stored`, which an audit writes;
    or all pages of a file."""
    name = composed(name.strip())
    for known in (name, name.replace("\\", "/"), name.removesuffix(".tif"), name.removesuffix(".jpg")):
        if known in found:
            return [known]
        if known in files:
            return [frame.name for frame in files[known]]
    return [name]


def _groups(rolls: pd.Series, names: pd.Series) -> pd.Series:
    """The roll of each picture, or, where the cell is blank, the picture itself."""
    rolls = rolls.str.strip()
    return rolls.where(rolls != "", "/" + names)  # "/": a roll may have the name of a picture


def _split(truth: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """(N,) names of splits, two of each label in each: with few pictures validation is larger, and there is no test."""
    split = np.full(len(truth), "train", dtype=object)
    count = min(FOLDS, min((truth == label).sum() for label in ("0", "1")) // 2)
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(truth, truth, groups)
    held_out = ("test", "validation") if count == FOLDS else ("validation",)
    for name, (_, members) in zip(held_out, folds, strict=False):
        split[members] = name
    return split


def table(source: str) -> pd.DataFrame:
    """A data set, as `dataset.open_dataset` takes it, as a table: one row a picture with split, name, label and the
    other columns of its metadata. `picture_of` opens a row's picture. Raises DataError."""
    parts = []
    for split, rows in open_dataset(source).items():
        part = rows.remove_columns([CELLS_COLUMN] if CELLS_COLUMN in rows.column_names else []).to_pandas()
        part.insert(0, "split", split)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def picture_of(frame: pd.DataFrame, key: int | str) -> Scan:
    """Open the picture of one row of `table`, by its index or its name. Raises KeyError, or decode.ScanError."""
    rows = frame.index[frame["name"] == key] if isinstance(key, str) else [key]
    if len(rows) != 1:
        raise KeyError(f"{len(rows)} pictures are called {key!r}")
    return open_picture(frame.at[rows[0], "image"])


def main() -> None:
    """Run the command."""
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
