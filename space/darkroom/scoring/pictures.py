"""Small pictures of the frames, in 4096 folders, so that none holds more than a few hundred of a million."""

import hashlib
from pathlib import Path

from ..files.table import OutputError
from ..files.whole import write_whole

FOLDER = "pictures"


def store(folder: Path, key: bytes, number: int, jpeg: bytes) -> str:
    """Write the picture of a frame, whole or not at all; returns its path below `folder`. key, number: of which item
    and which frame in it. Raises OutputError where the disk is full."""
    name = hashlib.sha256(key + b"\0%d" % number).hexdigest()[:24]
    path = folder / name[:3] / f"{name}.jpg"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, jpeg)
    except OSError as error:
        what = f"cannot be written ({error.strerror}); make room and run the same command again"
        raise OutputError(f"{folder}: {what}") from None
    return f"{name[:3]}/{name}.jpg"
