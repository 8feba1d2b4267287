"""A data set as it is published: Parquet with the pictures inside, a picture of each class, and its card."""

import csv
import io
from collections import Counter
from pathlib import Path

from datasets import Dataset, DatasetInfo, Features, Image, SplitInfo, Value
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict
from datasets.table import embed_table_storage
from huggingface_hub import DatasetCardData
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from darkroom.film.inversion import invert
from darkroom.taxonomy import LABELS
from hub.cards import LICENCES, dataset_card
from learning.dataset import DataError, defect_columns, open_dataset, open_picture

SHARD = 400_000_000  # bytes of pictures in one file
DRAWN = "drawn/"  # sources of scenes that the simulator draws: no one else's copyright
OURS = "CC0 1.0"
SHOWN = 360  # pixels, the long side of a picture on the card


def lay_out(data: Path, folder: Path, repo: str, credits: Path | None) -> None:
    """Write the data set in `data` to `folder` as it is published under the name `repo`.

    credits: CSV with the columns path, source, licence, credit; a picture's `source` is looked up in `path`.
    Raises DataError where the data or the credits cannot be used.
    """
    splits = {name: _typed(rows) for name, rows in open_dataset(str(data)).items()}
    known = _credits(credits)
    located = sum(_has_place(row) for rows in splits.values() for row in _undecoded(rows))
    (folder / "data").mkdir()
    counted = SplitDict()
    for name, rows in splits.items():
        size = _write(rows, folder / "data", name)
        counted.add(SplitInfo(name, num_bytes=size, num_examples=len(rows)))
    first = next(iter(splits.values()))
    size = sum(path.stat().st_size for path in (folder / "data").iterdir())
    info = DatasetInfo(features=first.features, splits=counted, download_size=size, dataset_size=size)

    sources = Counter(_source(row, known) for rows in splits.values() for row in _facts(rows))
    licences = sorted({LICENCES.get(licence, "other") for _, licence, _ in sources})
    described = DatasetCardData(
        license=licences if len(licences) > 1 else licences[0],
        task_categories=["image-classification"],
        size_categories=_size_category(sum(map(len, splits.values()))),
        tags=["photography", "film", "negative"],
        pretty_name="Colour negatives, readable and damaged",
        configs=[
            {"config_name": "default", "data_files": [{"split": s, "path": f"data/{s}-*.parquet"} for s in splits]}
        ],
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(described)
    card = dataset_card(
        described,
        repo=repo,
        name=data.name if data.is_dir() else str(data),
        counts={name: Counter(rows["label"]) for name, rows in splits.items()},
        damage={kind: sum(sum(rows[kind]) for rows in splits.values()) for kind in defect_columns(first)},
        simulated="severity" in first.column_names and "seed" in first.column_names,
        grouped="group" in first.column_names,
        sources=[{"source": s, "licence": licence, "credit": c, "count": n} for (s, licence, c), n in sources.items()],
        pictures=_examples(first, folder),
        located=located,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _typed(rows: Dataset) -> Dataset:
    """The pictures as a column of images with embedded bytes, without local paths; the kinds of damage as 0 and 1."""
    features = Features(rows.features | {"image": Image()} | {kind: Value("int8") for kind in defect_columns(rows)})
    plain = rows.cast(features).with_format("arrow")
    return plain.map(embed_table_storage, batched=True, batch_size=64).with_format(None)


def _undecoded(rows: Dataset) -> Dataset:
    return rows.select_columns(["name", "image"]).cast_column("image", Image(decode=False))


def _facts(rows: Dataset) -> Dataset:
    return rows.select_columns([name for name in ("source",) if name in rows.column_names] or ["label"])


def _write(rows: Dataset, folder: Path, split: str) -> int:
    """Write the Parquet files of a split. Returns the bytes of its pictures."""
    size = sum(len(row["image"]["bytes"]) for row in _undecoded(rows))
    shards = -(-size // SHARD) or 1
    for i in range(shards):
        part = rows.shard(shards, i, contiguous=True)
        part.to_parquet(folder / f"{split}-{i:05d}-of-{shards:05d}.parquet", batch_size=100)
    return size


def _credits(path: Path | None) -> dict[str, dict]:
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(row["path"], row["source"], row["licence"], row) for row in csv.DictReader(file)]
            return {path: row for path, _, licence, row in rows if licence}
    except (OSError, KeyError) as error:
        raise DataError(f"{path}: needs the columns path, source, licence, credit ({error})") from None


def _source(row: dict, known: dict[str, dict]) -> tuple[str, str, str]:
    """(source, licence, credit) of one picture."""
    source = str(row.get("source", ""))
    if source in known:
        return known[source]["source"], known[source]["licence"], known[source].get("credit") or ""
    return ("drawn scenes", OURS, "") if source.startswith(DRAWN) else ("the publisher's own", "not stated", "")


def _examples(rows: Dataset, folder: Path) -> dict[str, str]:
    """{class: path} of one picture of each: a readable frame, and for each kind one that has this damage only."""
    kinds, found = defect_columns(rows), {}
    (folder / "pictures").mkdir()
    facts = rows.select_columns(["label", *kinds])
    for index, row in enumerate(facts):
        damage = [kind for kind in kinds if row[kind]]
        name = damage[0] if len(damage) == 1 else LABELS[row["label"]] if not damage else None
        if name and name not in found:
            negative = open_picture(_undecoded(rows)[index]["image"]).rgb
            both = [Pillow.fromarray((side * 255).round().astype("uint8")) for side in (negative, invert(negative))]
            sheet = Pillow.new("RGB", (2 * both[0].width, both[0].height))
            sheet.paste(both[0], (0, 0))
            sheet.paste(both[1], (both[0].width, 0))
            sheet.thumbnail((2 * SHOWN, 2 * SHOWN))
            found[name] = f"pictures/{name}.jpg"
            sheet.save(folder / found[name], quality=88)
    return found


def _has_place(row: dict) -> bool:
    """Whether a picture has a GPS position. Raises DataError for one that `datasets` cannot open."""
    gps = 0x8825
    try:
        image = Pillow.open(io.BytesIO(row["image"]["bytes"]))
    except UnidentifiedImageError:
        name = row["name"]
        raise DataError(f"{name}: users of the data set could not open it; convert it to TIFF or JPEG") from None
    with image:
        try:
            return bool(image.getexif().get_ifd(gps))
        except Exception:  # Pillow raises all sorts of exceptions for broken EXIF, which then has no readable place
            return False


def _size_category(count: int) -> str:
    """The Hub's size category for `count` rows."""
    names = (("n<1K", 1e3), ("1K<n<10K", 1e4), ("10K<n<100K", 1e5), ("100K<n<1M", 1e6))
    return next((name for name, below in names if count < below), "1M<n<10M")
