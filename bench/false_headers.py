"""Files made to say what is not so: sizes, offsets, directories, profiles and texts that no decoder should believe."""

import struct
import zlib
from functools import cache

from hypothesis import strategies as st
from PIL import ImageCms

ODD = (0, 1, 2, 8, 255, 65535, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
LOOP = b"II*\0\x08\0\0\0\x02\0" + b"\x69\x87\4\0\1\0\0\0\x08\0\0\0" * 2 + b"\x08\0\0\0"  # a directory inside itself
LONG = b"II*\0\x08\0\0\0\x01\0" + b"\x0e\x01\2\0\xff\xff\xff\x7f\x08\0\0\0" + b"\0\0\0\0"  # a text of 2 GB


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def profile() -> bytes:
    """A sound ICC profile, of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@cache
def packed(size: int) -> bytes:
    """So many bytes of nothing, deflated."""
    return zlib.compress(bytes(size), 9)


@st.composite
def blobs(draw: st.DrawFn) -> bytes:
    """What stands where EXIF, XMP or a profile should."""
    kind = draw(st.sampled_from(["random", "loop", "long", "profile", "xmp"]))
    if kind == "random":
        return draw(st.binary(max_size=200))
    if kind == "xmp":
        return b"<x:xmpmeta>" + b"<a>" * draw(st.sampled_from([1, 15_000]))
    if kind == "profile":
        data = bytearray(profile())
        for _ in range(draw(st.integers(0, 8))):
            at = 4 * draw(st.integers(0, len(data) // 4 - 1))
            data[at : at + 4] = struct.pack(">I", draw(st.sampled_from(ODD)))
        return bytes(data)
    return LOOP if kind == "loop" else LONG


@st.composite
def lying_png(draw: st.DrawFn, data: bytes) -> tuple[str, bytes]:
    """What it lies about, and the bytes."""
    kind = draw(
        st.sampled_from(["header", "iCCP", "eXIf", "zTXt", "iTXt", "tEXt", "acTL", "empty chunks", "tiny IDATs"])
    )
    if kind == "header":
        header = bytearray(data[16:29])
        at = draw(st.sampled_from([0, 4]))
        header[at : at + 4] = struct.pack(">I", draw(st.sampled_from(ODD)))
        header[8:10] = draw(st.sampled_from([b"\x08\2", b"\x10\6", b"\1\0", b"\x08\3", bytes(header[8:10])]))
        return "lying header", data[:8] + chunk(b"IHDR", bytes(header)) + data[33:]
    if kind == "empty chunks":
        return kind, data[:33] + chunk(b"tEXt", b"") * draw(st.sampled_from([100, 300_000])) + data[33:]
    if kind == "tiny IDATs":
        at = data.index(b"IDAT")
        (size,) = struct.unpack_from(">I", data, at - 4)
        tiny = b"".join(chunk(b"IDAT", data[i : i + 1]) for i in range(at + 4, at + 4 + size))
        return kind, data[: at - 4] + chunk(b"IDAT", b"") * draw(st.sampled_from([1, 300_000])) + tiny + data[
            at + 8 + size :
        ]
    if kind in ("eXIf", "acTL"):
        return kind, data[:33] + chunk(kind.encode(), draw(blobs())) + data[33:]
    size = draw(st.sampled_from([1_000, 100_000_000]))
    body = {"iCCP": b"a\0\0", "zTXt": b"a\0\0", "iTXt": b"a\0\1\0\0\0", "tEXt": b"a\0"}[kind] + packed(size)
    if kind == "iCCP" and draw(st.booleans()):
        body = b"a\0\0" + zlib.compress(draw(blobs()))
    return f"{kind} of {size} bytes", data[:33] + chunk(kind.encode(), body) + data[33:]


@st.composite
def lying_jpeg(draw: st.DrawFn, data: bytes) -> tuple[str, bytes]:
    """What it lies about, and the bytes."""
    kind = draw(st.sampled_from(["size", "exif", "profile", "scans", "no end"]))
    if kind == "size":
        at = next(at for at in (data.find(b"\xff" + sof) for sof in (b"\xc0", b"\xc1", b"\xc2")) if at > 0)
        sides = [draw(st.sampled_from([1, 16, 800, 10_000, 65_500])) for _ in range(2)]
        return "lying header", data[: at + 5] + struct.pack(">HH", *sides) + data[at + 9 :]
    if kind == "scans":
        at = data.rindex(b"\xff\xda")
        return kind, data[:at] + data[at:-2] * draw(st.sampled_from([3, 30, 3000])) + b"\xff\xd9"
    if kind == "no end":
        return kind, data[: -draw(st.sampled_from([1, 2, 30, 300]))]
    head = b"Exif\0\0" if kind == "exif" else b"ICC_PROFILE\0\1\1"
    body = head + draw(blobs())[:65_000]
    app = b"\xff\xe1" if kind == "exif" else b"\xff\xe2"
    return kind, data[:2] + app + struct.pack(">H", len(body) + 2) + body + data[2:]


@st.composite
def lying_tiff(draw: st.DrawFn, data: bytes) -> tuple[str, bytes]:
    """A directory whose entries have another kind, count or value, or that follows itself; many overlapping ones."""
    if data[2] == 43 or data[:2] == b"MM":
        return draw(lying(data))
    out, (first,) = bytearray(data), struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    kind = draw(st.sampled_from(["entries", "entries", "loop", "staircase", "profile"]))
    if kind == "loop":
        struct.pack_into("<I", out, first + 2 + 12 * count, draw(st.sampled_from([first, 0, 8, len(data) - 4])))
    elif kind == "profile":
        blob, at = draw(blobs()), first + 2 + 12 * draw(st.integers(0, count - 1))
        struct.pack_into("<HHII", out, at, 34675, 7, len(blob), len(data))
        out += blob
    elif kind == "staircase":  # directories of four thousand entries, each beginning a little after the one before
        begin, entries = len(out), 4000
        struct.pack_into("<I", out, 4, begin)
        steps = struct.pack("<HHII", entries, 3, entries, entries) * (entries + 200)
        out += struct.pack("<H", entries) + steps
        for i in range(100):
            at = begin + 2 + 12 * (entries + i)
            out[at : at + 4] = struct.pack("<I", begin + 12 * (i + 1) + 2)
    else:
        for _ in range(draw(st.integers(1, 4))):
            at = first + 2 + 12 * draw(st.integers(0, count - 1))
            field, form = draw(st.sampled_from([(2, "<H"), (4, "<I"), (8, "<I"), (8, "<I")]))
            largest = 2 ** (8 * struct.calcsize(form)) - 1
            struct.pack_into(form, out, at + field, min(draw(st.sampled_from(ODD)), largest))
    return kind, bytes(out)


@st.composite
def lying(draw: st.DrawFn, data: bytes) -> tuple[str, bytes]:
    """Of any other format: one of the first numbers is another."""
    at = draw(st.integers(0, max(min(len(data), 600) - 5, 0)))
    return "a lying number", data[:at] + struct.pack(">I", draw(st.sampled_from(ODD))) + data[at + 4 :]


LIES = {"png": lying_png, "jpg": lying_jpeg, "tif": lying_tiff, "dng": lying_tiff, "any": lying}
