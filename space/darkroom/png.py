"""PNG without its texts: an image editor puts megabytes of history there, which Pillow refuses to unpack."""

import struct

from .limits import UnreadableScan

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
MOST_CHUNKS = 200_000  # a decoder takes microseconds for each; programs put 8 kB or more into one


def checked_png(data: bytes, name: str) -> bytes:
    """A PNG without its text chunks; anything else, and a PNG without such chunks, as it is.

    Raises UnreadableScan for a PNG in too many pieces."""
    if data[:8] != PNG_MAGIC:
        return data
    kept, at, begin, chunks = [], 8, 0, 0  # begin: of what is kept since the last text
    while at + 8 <= len(data):
        chunks += 1
        if chunks > MOST_CHUNKS:
            raise UnreadableScan(f"{name}: a PNG in more than {MOST_CHUNKS:,} pieces; save it again as an ordinary one")
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if kind in TEXTS:
            kept.append(data[begin:at])
            begin = end
        at = end
    return b"".join([*kept, data[begin:]]) if kept else data
