"""PNG without its texts: an image editor puts megabytes of history there, which Pillow refuses to unpack."""

import struct

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def without_texts(data: bytes) -> bytes:
    """A PNG without its text chunks; anything else, and a PNG without such chunks, as it is."""
    if data[:8] != PNG_MAGIC:
        return data
    kept, at, begin = [], 8, 0  # begin: of what is kept since the last text
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if kind in TEXTS:
            kept.append(data[begin:at])
            begin = end
        at = end
    return b"".join([*kept, data[begin:]]) if kept else data
