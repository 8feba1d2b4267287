"""What is to be judged: files, what is below folders, what a pattern matches, what a table lists, pictures in ZIPs.

for item in items_at(["scans", "more/**/*.tif", "list.csv", "roll.zip"], print): ...
"""

import glob
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..files.archive import UNPACKING, FrameSource, UnpackBudget, members_of, open_zip
from ..files.folder import SUFFIXES, folders_below
from ..files.limits import UnreadableScan
from ..files.listing import listed
from ..files.pairs import paired

LISTS = (".csv", ".parquet")
NO_LIMIT = 10**18  # bytes: a ZIP's pictures are unpacked and deleted one by one


class Item(NamedTuple):
    """One thing to open, which holds one frame or several.

    name: what its rows call it. key: what tells it from every other item. path: the file, as the system has it, or
    None; then `error` says what is wrong. member: its number in a ZIP's list, or −1. infrared: the file of its infrared
    or, in a ZIP, that member's number. mark: what changes when it does; empty until `marked`. data: its bytes, where it
    is in no file.
    """

    name: str
    key: bytes
    path: bytes | None
    error: str = ""
    member: int = -1
    infrared: bytes | None = None
    mark: str = ""
    data: bytes | None = None


def text_of(path: str | Path) -> str:
    """A path as text that every file can hold: bytes that are no UTF-8 are escaped."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def items_at(paths: Iterable[str], note: Callable[[str], object]) -> Iterator[Item]:
    """What is to be judged at `paths`, in a fixed order: folders' contents sorted, an infrared file with its picture.

    note: is told, in a sentence a path, what was skipped or was not there. What is named twice comes twice.
    """
    named: list[Path] = []  # an infrared file among them goes with its picture, wherever that is named
    for path in map(Path, paths):
        if path.is_dir():
            yield from _named(named)
            named = []
            yield from _below(path, note)
        elif path.suffix.lower() == ".zip" and path.is_file():
            yield from _named(named)
            named = []
            yield from _in_zip(path)
        elif path.suffix.lower() in LISTS and path.is_file():
            yield from _named(named)
            named = []
            yield from _listed(path)
        elif glob.has_magic(str(path)) and not os.path.lexists(path):
            matches = sorted(glob.iglob(str(path), recursive=True))
            if not matches:
                note(f"{text_of(path)}: nothing is called so; check the pattern")
            named += [Path(match) for match in matches if not os.path.isdir(match)]
        else:
            named.append(path)
    yield from _named(named)


def _item(found: FrameSource, key: bytes | None = None) -> Item:
    path = os.fsencode(found.path) if found.path else None
    infrared = os.fsencode(found.infrared) if found.infrared else None
    return Item(found.name, key or path or found.name.encode(), path, found.error, infrared=infrared)


def _named(paths: list[Path]) -> Iterator[Item]:
    yield from map(_item, paired(FrameSource(text_of(path), path) for path in paths))


def _below(folder: Path, note: Callable[[str], object]) -> Iterator[Item]:
    skipped: dict[str, int] = {}
    for each in folders_below(folder):
        yield from _named(each.pictures)
        for path, why in each.unread:
            yield _item(FrameSource(text_of(path), None, f"{text_of(path)}: {why}"))
        for path in each.skipped:
            skipped[path.suffix.lower()] = skipped.get(path.suffix.lower(), 0) + 1
    if skipped:
        many = sum(skipped.values())
        files = "1 file looks like a picture but was" if many == 1 else f"{many} files look like pictures but were"
        kinds = ", ".join(sorted(skipped))
        note(f"{text_of(folder)}: {files} skipped ({kinds}): save as JPEG, PNG or TIFF what is to be judged")


def _listed(table: Path) -> Iterator[Item]:
    """The files that a table lists, from the table's folder on."""
    for name in listed(table):
        path = table.parent / name
        yield _item(FrameSource(text_of(path), path))


def _in_zip(path: Path) -> Iterator[Item]:
    name, key = text_of(path), os.fsencode(path)
    try:
        with open_zip(path) as opened:
            # Infrared files are found by their names; what stands for their path is their number in the list.
            entries = [
                member if isinstance(member, FrameSource) else FrameSource(member.name, Path(str(member.number)))
                for member in members_of(opened, path.name, UnpackBudget(NO_LIMIT))
                if isinstance(member, FrameSource) or Path(member.name).suffix.lower() in SUFFIXES
            ]
            infos = opened.infolist()
    except UnreadableScan as error:
        yield Item(name, key, None, f"{name}: {error}")
        return
    except UNPACKING:
        yield Item(name, key, None, f"{name}: not a ZIP archive we can open; pack it again")
        return
    for found in paired(entries):
        inside = text_of(f"{name}/{found.name}")
        if found.path is None:
            yield Item(inside, key + b"\0" + inside.encode(), None, f"{name}: {found.error}")
            continue
        number = int(str(found.path))
        infrared = os.fsencode(found.infrared) if found.infrared else None
        sums = [f"{infos[n].file_size} {infos[n].CRC:08x}" for n in (number, *([int(infrared)] if infrared else []))]
        yield Item(inside, key + b"\0%d" % number, key, "", number, infrared, " ".join(sums))


def marked(item: Item, checksum: bool = False) -> Item:
    """The item with its mark: size and time of change of its file, or the sum of its bytes; or with the sentence that
    says why it cannot be opened at all."""
    if item.mark or item.error or item.path is None:
        return item
    try:
        about = os.stat(item.path)
    except OSError as error:
        if os.path.islink(item.path):
            return item._replace(error=f"{item.name}: a link that leads nowhere; mend or delete it")
        missing = isinstance(error, FileNotFoundError)
        why = "no such file; check the path" if missing else f"cannot be read ({error.strerror}); check its permissions"
        return item._replace(error=f"{item.name}: {why}")
    if not stat.S_ISREG(about.st_mode):
        return item._replace(error=f"{item.name}: not a file that can be read; name a picture")
    try:
        files = [item.path, *([item.infrared] if item.infrared else [])]
        return item._replace(mark=" ".join(_sum(file) if checksum else state(file) for file in files))
    except OSError as error:
        return item._replace(error=f"{item.name}: cannot be read ({error.strerror}); check its permissions")


def state(path: bytes) -> str:
    """Size and time of change of a file."""
    about = os.stat(path)
    return f"{about.st_size} {about.st_mtime_ns}"


def _sum(path: bytes) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
