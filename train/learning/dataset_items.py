"""The pictures of a data set, to be judged: from the Hub as they come, or from a folder of `datasets.save_to_disk`."""

import hashlib
import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from datasets import Image, load_dataset, load_from_disk

from darkroom.files.table import OutputError
from darkroom.scoring.items import Item, items_at, marked

HUB = "hf://datasets/"
SAVED = ("dataset_dict.json", "dataset_info.json")  # what such a folder has


class DataSetItems:
    """Items of data sets and of what else `items_at` reads; may be gone through several times.

    paths: `hf://datasets/user/name`, with `@revision` if wanted; folders of a saved data set; or others. Each picture
    is called path/split/number/file. Iterating raises OutputError where a data set cannot be read or has no pictures.
    """

    def __init__(self, paths: list[str], note: Callable[[str], object]):
        self.paths, self.note = paths, note
        self.any = any(map(is_data_set, paths))

    def __iter__(self) -> Iterator[Item]:
        return chain.from_iterable(
            _pictures(path) if is_data_set(path) else map(marked, items_at([path], self.note)) for path in self.paths
        )


def is_data_set(path: str) -> bool:
    """Whether a path names a data set."""
    return path.startswith(HUB) or any(Path(path, name).is_file() for name in SAVED)


def _pictures(path: str) -> Iterator[Item]:
    for split, rows in sorted(_splits(path).items()):
        columns = [name for name, feature in (rows.features or {}).items() if isinstance(feature, Image)]
        if not columns:
            raise OutputError(f"{path}: no column of its split {split} holds pictures; name another data set")
        for number, row in enumerate(rows.select_columns(columns[:1]).cast_column(columns[0], Image(decode=False))):
            picture = row[columns[0]] or {"bytes": b"", "path": None}
            data = picture["bytes"]
            if data is None:
                data = Path(picture["path"]).read_bytes()
            name = f"{path}/{split}/{number}/{os.path.basename(picture['path'] or 'picture')}"
            yield Item(name, name.encode(), None, mark=hashlib.sha256(data).hexdigest(), data=data)


def _splits(path: str) -> dict[str, Any]:
    """Splits by their names; those of the Hub are read as they are gone through."""
    try:
        if path.startswith(HUB):
            repo, _, revision = path.removeprefix(HUB).partition("@")
            return dict(load_dataset(repo, revision=revision or None, streaming=True))
        saved = load_from_disk(path)
    except Exception as error:  # the Hub, file systems and formats have theirs
        what = str(error).split("\n")[0]
        raise OutputError(f"{path}: cannot be read as a data set ({what}); check its name") from None
    return dict(saved) if isinstance(saved, dict) else {"all": saved}
