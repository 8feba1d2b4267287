"""Which infrared file belongs to which picture: `frame_IR.tif` to `frame.tif`, `frame.jpg`…, in the same folder."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .archive import FrameSource

NAME = re.compile(r"(.+)_ir\.tiff?", re.IGNORECASE)
ENDS = ("_IR.tif", "_IR.tiff", "_ir.tif", "_ir.tiff", "_IR.TIF")  # as they are found on disks that tell case apart


def infrared_beside(picture: Path) -> Path | None:
    """The infrared file that lies beside a picture's."""
    return next((path for end in ENDS if (path := picture.with_name(picture.stem + end)).is_file()), None)


def paired(entries: Iterable["FrameSource"]) -> list["FrameSource"]:
    """Each picture with its infrared file, which is then no entry of its own; of pictures and infrared files that are
    called the same, the first has the first, the second the second."""
    entries = list(entries)
    waiting: defaultdict[str, list[FrameSource]] = defaultdict(list)
    seen: defaultdict[str, int] = defaultdict(int)
    owned, pictures = set(), []
    for entry in entries:
        if (found := NAME.fullmatch(entry.name)) and entry.path:
            waiting[found[1].casefold()].append(entry)
    for entry in entries:
        own = waiting.get(_stem(entry.name), []) if entry.path else []
        if own:
            infrared = own[min(seen[entry.name.casefold()], len(own) - 1)]
            seen[entry.name.casefold()] += 1
            owned.add(id(infrared))
            entry = entry._replace(infrared=infrared.path)
        pictures.append(entry)
    return [new for old, new in zip(entries, pictures, strict=True) if id(old) not in owned]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")).casefold()
