"""A file is written whole or not at all: whoever reads it, and whoever is killed while writing it."""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` into a file beside `path`, then give it the name. Raises OSError."""
    part = path.with_name(f".{path.name[:200]}.part")
    part.write_bytes(data)
    os.replace(part, path)
