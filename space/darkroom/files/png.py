"""PNG without its texts and its profile: an image editor puts megabytes there, which Pillow refuses to unpack."""

import struct
import zlib

from .limits import UnreadableScan

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PROFILE = b"iCCP"
LARGEST_PROFILE = 20_000_000  # bytes, unpacked; those of printers have a few million
MOST_CHUNKS = 200_000  # a decoder takes microseconds for each; programs put 8 kB or more into one


def bare_png(data: bytes, name: str) -> tuple[bytes, bytes | None]:
    """A PNG without its text chunks and its profile, and that profile; anything else as it is, and None.

    A profile that cannot be unpacked, or unpacks to more than `LARGEST_PROFILE`, is left out. Raises UnreadableScan for
    a PNG in too many pieces."""
    if data[:8] != PNG_MAGIC:
        return data, None
    kept, at, begin, chunks, icc = [], 8, 0, 0, None  # begin: of what is kept since the last that is not
    while at + 8 <= len(data):
        chunks += 1
        if chunks > MOST_CHUNKS:
            raise UnreadableScan(f"{name}: a PNG in more than {MOST_CHUNKS:,} pieces; save it again as an ordinary one")
        size, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if kind in TEXTS or kind == PROFILE:
            kept.append(data[begin:at])
            begin = end
        if kind == PROFILE:
            icc = _unpacked(data[at + 8 : at + 8 + size])
        at = end
    return b"".join([*kept, data[begin:]]) if kept else data, icc


def _unpacked(chunk: bytes) -> bytes | None:
    """A profile: in its chunk a name, a zero and the method of packing come first."""
    packed = chunk[chunk.find(b"\0") + 2 :]
    try:
        unpacking = zlib.decompressobj()
        icc = unpacking.decompress(packed, LARGEST_PROFILE)
    except zlib.error:
        return None
    return icc if unpacking.eof else None
