"""What a stranger may upload, drawn by Hypothesis: pictures that wind without end, headers that lie, changed bytes.

@given(hostile.cases())
def test(case): ...
"""

import io
import zipfile
from functools import cache
from typing import NamedTuple

import imagecodecs
import numpy as np
import tifffile
from hypothesis import strategies as st
from PIL import Image

from encoders import FORMATS
from false_headers import LIES, chunk

MASKS = {
    "serpentine": lambda y, x: (y % 2 == 0) | ((x == np.where(y % 4 == 1, x.max(), 0)) & (y % 2 == 1)),
    "spiral": lambda y, x: (ring(y, x) % 2 == 0) | ((y == x) & (ring(y, x) < y.max() // 2 - 1)),
    "maze": lambda y, x: (y % 2 == 0) & (x % 2 == 0) | (y % 2 != x % 2) & (noise(y, x) % 2 == y % 2),
    "comb": lambda y, x: (x % 2 == 0) | (y == 0),
    "checkerboard": lambda y, x: (x + y) % 2 == 0,
    "speckle": lambda y, x: noise(y, x) % 101 < 59,
    "flat": lambda y, x: y >= 0,
}
HUGE = ((4_000, 3_000), (12_000, 300), (12_000, 10_000), (13_000, 10_000), (30_000, 700), (4_000_000_000, 2))
MEMBERS = ("a.jpg", "../a.jpg", "/a.tif", "a\\b.png", "C:a.png", "._a.jpg", "dir/", "a" * 250 + ".png", "é.png")


class Case(NamedTuple):
    """A file: what is odd about it, what it ends in, its bytes, and how many megapixels of a huge one are to decode."""

    label: str
    suffix: str
    data: bytes
    megapixels: float = 0.0

    def __repr__(self) -> str:
        return self.label


def ring(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """How many pixels each lies from the border."""
    return np.minimum(np.minimum(y, x), np.minimum(y.max() - y, x.max() - x))


def noise(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A number for each pixel that looks like chance and is the same every time."""
    mixed = (x.astype(np.uint32) * np.uint32(0x9E3779B1)) ^ (y.astype(np.uint32) * np.uint32(0x85EBCA77))
    return ((mixed ^ (mixed >> 15)) * np.uint32(0xC2B2AE3D)) >> 9


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    """A mask's name and a picture of it, (h, w, 3) uint8, in two colours."""
    name = draw(st.sampled_from(list(MASKS)))
    height, width = draw(st.one_of(st.tuples(*[st.integers(16, 700)] * 2), st.sampled_from([(16, 640), (900, 23)])))
    y, x = np.mgrid[:height, :width]
    colours = draw(st.lists(st.sampled_from([0, 40, 120, 200, 255]), min_size=6, max_size=6))
    return name, np.where(MASKS[name](y, x)[..., None], colours[:3], colours[3:]).astype(np.uint8)


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes flipped, set, deleted, inserted, doubled or cut off, oftener near the beginning, where headers are."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        end = len(data) if draw(st.booleans()) else min(len(data), 400)
        at, size = draw(st.integers(0, max(end - 1, 0))), draw(st.integers(1, 64))
        how = draw(st.sampled_from(["flip", "set", "delete", "insert", "splice", "truncate"]))
        if how == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "set":
            data[at : at + 4] = draw(
                st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"])
            )
        elif how == "delete":
            del data[at : at + size]
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=64))
        elif how == "splice":
            start = draw(st.integers(0, max(len(data) - 1, 0)))
            data[at:at] = data[start : start + size * draw(st.sampled_from([1, 100]))]
        elif how == "truncate":
            del data[at:]
    return bytes(data)


@cache
def flat(suffix: str, width: int, height: int) -> bytes:
    """A picture of one colour as large as it says, or where that is beyond reach its header alone."""
    out = io.BytesIO()
    if width * height > 200_000_000:
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", np.array([width, height], ">u4").tobytes() + b"\x08\2\0\0\0")
    if suffix == "png":
        return imagecodecs.png_encode(np.full((height, width, 3), 9000, np.uint16), level=1)
    if suffix == "tif":
        tifffile.imwrite(out, np.full((height, width, 3), 9000, np.uint16), photometric="rgb", compression="lzw")
    else:
        Image.new("RGB", (width, height), "tan").save(out, "JPEG", progressive=True, subsampling=0)
    return out.getvalue()


@st.composite
def files(draw: st.DrawFn) -> Case:
    """One picture in a file: whole, lying or mutated, sometimes with the name of another kind."""
    suffix = draw(st.sampled_from(list(FORMATS)))
    name, picture = draw(pictures())
    data, label = FORMATS[suffix](draw, picture), f"{name} {picture.shape[1]} × {picture.shape[0]}"
    how = draw(st.sampled_from(["whole", "lying", "lying", "mutated", "mutated"]))
    if how == "lying":
        lie, data = draw(LIES.get(suffix, LIES["any"])(data))
        label = f"{label}, {lie}"
    elif how == "mutated":
        data, label = draw(mutated(data)), f"{label}, mutated"
    return Case(f"{suffix}: {label}", draw(st.sampled_from([suffix] * 9 + ["nef"])), data)


@st.composite
def huge(draw: st.DrawFn) -> Case:
    """A picture of one colour with very many pixels, or a header that says so."""
    suffix, size = draw(st.sampled_from(["png", "jpg", "tif"])), draw(st.sampled_from(HUGE))
    data = flat(suffix, *size)
    return Case(f"{suffix}: flat, {size[0]} × {size[1]}", suffix, data, min(size[0] * size[1] / 1e6, 120))


@st.composite
def archives(draw: st.DrawFn) -> Case:
    """A ZIP of files, of other ZIPs, of a bomb, of names that lead out of it or of very many; sometimes mutated."""
    kind = draw(st.sampled_from(["files", "nested", "bomb", "many"]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        if kind == "many":
            for i in range(draw(st.sampled_from([600, 30_000]))):
                packed.writestr(f"{i}.jpg", b"")
        elif kind == "bomb":
            packed.writestr("bomb.tif", b"II*\0" + bytes(draw(st.sampled_from([10**6, 300 * 10**6]))))
        else:
            names = draw(st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=4, unique=True))
            for case, name in zip(draw(st.lists(files(), min_size=1, max_size=4)), names, strict=False):
                packed.writestr(name, case.data)
            if kind == "nested":
                packed.writestr("inside.zip", out.getvalue())
    data = out.getvalue()
    if draw(st.booleans()):
        data, kind = draw(mutated(data)), f"{kind}, mutated"
    return Case(f"zip: {kind}", "zip", data)


def cases() -> st.SearchStrategy[Case]:
    """Any of them; most are single files."""
    return st.integers(0, 39).flatmap(lambda k: huge() if k == 39 else archives() if k >= 34 else files())
