"""Frames for the tests: a drawn scene on orange film, and the file formats that Pillow cannot write."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np

from darkroom.film.film import resized
from simulator import emulsion
from simulator.scenes import draw

ROOT = Path(__file__).resolve().parents[1]
GATE = json.loads((ROOT / "space/weights/config.json").read_text())["gate"]  # the bundled model's
BASE = np.array([0.25, 0.64, 0.97])  # density of the orange mask, R G B


def frame(height: int = 96, width: int = 144, seed: int = 0) -> np.ndarray:
    """A colour negative of a random smooth scene: float64 (height, width, 3) in 0…1, coded with gamma 2.2."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    stops = np.zeros((height, width, 3))
    for _ in range(6):
        fy, fx, phase = *rng.uniform(0.5, 6, 2).tolist(), rng.uniform(0, 6.28)
        stops += np.sin(6.28 * (fy * y + fx * x) + phase)[..., None] * rng.uniform(0.3, 1.0, 3)
    density = BASE + 0.7 + 0.15 * stops + rng.normal(0, 0.01, stops.shape)
    light = 10 ** -(density.clip(BASE, None) - BASE.min())
    return light ** (1 / 2.2)


def thin(seed: int = 3) -> np.ndarray:
    """As `frame`, but so thin that it shows a picture if its values are coded, and none if they are linear."""
    density = -np.log10(frame(240, 360, seed))
    middle = density.mean(axis=(0, 1))
    return 10 ** -(middle + 0.03 * (density - middle))


def grainy(seed: int = 0, height: int = 340, width: int = 512) -> np.ndarray:
    """The density of a frame of soft shapes with grain, (height, width, 3), as `darkroom.film.Film` measures it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    scene = sum(
        rng.uniform(-0.1, 0.1) * np.sin((x * np.cos(a) + y * np.sin(a)) / rng.uniform(20, 80))
        for a in rng.uniform(0, 6, 8)
    )
    return scene[..., None] * (0.8, 1.0, 1.2) + (0.6, 1.0, 1.4) + 0.02 * rng.standard_normal((height, width, 3))


def drawn(seed: int = 0, height: int = 340, width: int = 512) -> np.ndarray:
    """The density of a drawn scene, (height, width, 3), for the bundled model, which takes `grainy` for no film."""
    rng = np.random.default_rng(seed)
    scene, roll = draw(rng), emulsion.film_stock(rng)
    density = emulsion.expose(scene, roll, 0.3, np.zeros(3), contrast=1.0)
    density = emulsion.add_grain(density, roll, rng).astype(np.float32)
    return np.stack([resized(plane, width, height) for plane in np.moveaxis(density, -1, 0)], axis=-1)


SHAPE = grainy().shape[:2]
INSIDE = np.ones(SHAPE, bool)
DISC = np.hypot(*(np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] - np.array([150, 200])[:, None, None]))  # in row 7, column 6


def damaged(density: np.ndarray, kind: str) -> np.ndarray:
    """A frame of `grainy` or `drawn` with one damage, in row 7, column 6 of the grid; "air_bells" are clear spots."""
    if kind == "blank_area":
        return density + np.clip(90 - DISC, 0, 1)[..., None] * (1.8 - density)
    if kind == "holes":
        return density * np.clip(DISC - 9, 0, 1)[..., None]
    if kind == "colour_patches":
        return density - np.clip((34 - DISC) / 20, 0, 1)[..., None] * (0.22, 0.12, 0.05)
    if kind == "air_bells":
        return density - np.clip(9 - DISC, 0, 1)[..., None] * (density - density.min((0, 1))) * 0.8
    if kind == "residual_spots":
        return density + np.clip(6 - DISC, 0, 1)[..., None] * (0.2, 0.5, 1.4)
    streaked = density.copy()
    streaked[148:151, 60:430] *= (0.75, 0.6, 0.4)
    return streaked


def eight_bit(rgb: np.ndarray) -> np.ndarray:
    return np.round(rgb * 255).astype(np.uint8)


def sixteen_bit(rgb: np.ndarray) -> np.ndarray:
    return np.round(rgb * 65535).astype(np.uint16)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray | None, *, size: tuple[int, int] | None = None) -> bytes:
    """A PNG of uint8 or uint16 pixels (H, W, 1…4); without any, a header that claims `size` (width, height)."""
    if pixels is None:
        (width, height), bits, channels, rows = size, 8, 3, b""
    else:
        (height, width, channels), bits = pixels.shape, pixels.itemsize * 8
        rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(pixels.dtype.newbyteorder(">")))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(pixels: np.ndarray, *, order: str = "<", white_is_zero: bool = False) -> bytes:
    """An uncompressed baseline TIFF of uint8, uint16 or float32 pixels (H, W, 1…4) in byte order `<` or `>`."""
    height, width, channels = pixels.shape
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    sample_format = 3 if pixels.dtype.kind == "f" else 1
    extra = [(338, 3, [2])] if channels in (2, 4) else []  # unassociated alpha
    tags = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [pixels.itemsize * 8] * channels),
        (259, 3, [1]),
        (262, 3, [2 if channels > 2 else 0 if white_is_zero else 1]),
        (273, 4, [8]),
        (277, 3, [channels]),
        (278, 4, [height]),
        (279, 4, [len(data)]),
        *extra,
        (339, 3, [sample_format] * channels),
    ]
    directory_at = 8 + len(data) + len(data) % 2
    outside_at = directory_at + 2 + 12 * len(tags) + 4
    directory, outside = struct.pack(order + "H", len(tags)), b""
    for tag, kind, values in tags:
        packed = struct.pack(order + ("H" if kind == 3 else "I") * len(values), *values)
        if len(packed) > 4:
            outside_offset, outside = outside_at + len(outside), outside + packed
            packed = struct.pack(order + "I", outside_offset)
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, directory_at)
    return magic + data.ljust(directory_at - 8, b"\0") + directory + b"\0\0\0\0" + outside


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
