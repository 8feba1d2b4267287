"""Simulate photographs of film as people lay it out: strips, sleeves and holders, with the corners of every frame.

    python train/strips.py data/strips                          # scenes that it draws
    python train/strips.py data/strips --photos photos --count 200

Frames are exposed and developed as `simulate.py` does, laid on film of one format with its rebate, holes and gaps,
and the film on a light table, a phone's screen, in a holder, in a sleeve, among other things, or so near that it fills
the picture. `strips.csv` has a line a picture: file, kind, format, frames, and the corners of each frame in reading
order as x y pairs in pixels, clockwise from the upper left. The same command writes the same bytes.
"""

import argparse
import csv
import io
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from capture import HOLDER, photograph
from emulsion import add_grain, expose, film
from PIL import Image
from scenes import draw
from shapes import even_noise
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.folder import walk  # noqa: E402
from darkroom.frames.frame import FORMATS  # noqa: E402

SHARES = {"table": 0.36, "clutter": 0.18, "sleeve": 0.16, "holder": 0.16, "filling": 0.14}
BREADTH = {24.0: 35.0, 56.0: 61.5}  # mm of film for a picture height
PITCH, HOLE = 4.75, (1.98, 2.8)  # mm from hole to hole, and of a hole along and across the film
TILT = 7.0  # degrees
LONG_SIDE = 1600  # pixels of a picture
EXPOSED = 1.8  # D above base of film exposed to light


@dataclass(frozen=True, eq=False)
class Film:
    """A strip: density (h, w, 3), and the corners (n, 4, 2) of its frames in its pixels."""

    density: np.ndarray
    corners: np.ndarray


def scene(photos: list[Path], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) sRGB 0…1, lying: a photograph, or one that is drawn."""
    if not photos:
        picture = draw(rng)
    else:
        with Image.open(photos[int(rng.integers(len(photos)))]) as opened:
            opened.draft("RGB", (800, 800))
            small = opened.convert("RGB")
        small.thumbnail((800, 800))
        picture = np.asarray(small, np.float32) / 255
    return picture if rng.random() < 0.8 else np.ascontiguousarray(np.rot90(picture))


def strip(kind: str, count: int, per_mm: float, photos: list[Path], rng: np.random.Generator) -> Film:
    """Film with `count` frames of a format, `per_mm` pixels a millimetre. Its gaps are of one camera, more or less
    even; now and then two frames overlap, one is cut at the end, or none of a night scene's edges shows."""
    long, high = FORMATS[kind]
    breadth = BREADTH[high]
    roll = film(rng)
    usual = {24.0: 2.0, 56.0: 5.0}[high] * rng.uniform(0.6, 1.3)
    uneven = rng.choice([0.05, 0.15, 0.4])
    gaps = np.maximum(usual * (1 + rng.normal(0, uneven, count + 1)), 0.4)
    if count > 1 and rng.random() < 0.06:
        gaps[int(rng.integers(1, count))] = rng.uniform(-0.03, 0.0) * long
    gaps[[0, -1]] *= rng.uniform(0.3, 1.2, 2)
    starts = np.cumsum(np.r_[gaps[0], long + gaps[1:-1]])
    length = float(starts[-1] + long + gaps[-1])
    cut = rng.uniform(0.05, 0.3) * long if count > 1 and rng.random() < 0.12 else 0.0
    length -= cut + (gaps[-1] if cut else 0)
    shape = round(breadth * per_mm), round(length * per_mm)
    density = np.tile(roll.base.astype(np.float32), (*shape, 1))
    top = (breadth - high) / 2 + rng.normal(0, 0.1)
    cast, light = rng.normal(0, 0.3, 3), rng.normal(0.2, 0.8)
    corners = []
    for start in starts:
        picture = _fitted(scene(photos, rng), round(long * per_mm), round(high * per_mm))
        stops = float(np.clip(light + rng.normal(0, 0.7), -2.5, 2.5))
        exposed = expose(picture, roll, stops, cast, rng.uniform(0.9, 1.3))
        row, column = round(top * per_mm), round(start * per_mm)
        part = density[row : row + exposed.shape[0], column : column + exposed.shape[1]]
        above = exposed[: part.shape[0], : part.shape[1]] - roll.base
        part[:] = np.minimum(part + above, roll.base + EXPOSED)
        ends = start, min(start + long, length)
        corners.append([(x, y) for x, y in ((ends[0], top), (ends[1], top), (ends[1], top + high), (ends[0], top + high))])
    _edge_print(density, per_mm, (breadth - high) / 2, roll.base, rng)
    density = add_grain(density, roll, rng)
    if high == 24.0:
        _perforate(density, per_mm, rng.uniform(0, PITCH))
    return Film(density, np.array(corners) * per_mm)


def _fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a picture (H, W, 3) at another size and proportion."""
    tall, wide = picture.shape[:2]
    scale = max(width / wide, height / tall)
    image = Image.fromarray((picture * 255).astype(np.uint8))
    image = image.resize((max(width, round(wide * scale)), max(height, round(tall * scale))), Image.Resampling.BILINEAR)
    left, upper = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, upper, left + width, upper + height)), np.float32) / 255


def _edge_print(density: np.ndarray, per_mm: float, rebate: float, base: np.ndarray, rng: np.random.Generator) -> None:
    """Letters and bars that the maker exposed along the edges, in place."""
    height, width = density.shape[:2]
    tall = max(1, round(0.18 * rebate * per_mm))
    for row in (round(0.08 * rebate * per_mm), height - tall - round(0.08 * rebate * per_mm)):
        column = rng.uniform(0, 10) * per_mm
        while column < width:
            for _ in range(int(rng.integers(3, 12))):
                wide = rng.uniform(0.3, 1.4) * per_mm
                density[row : row + tall, int(column) : int(column + wide)] = base + 0.8 * EXPOSED
                column += wide + rng.uniform(0.3, 0.8) * per_mm
            column += rng.uniform(4, 25) * per_mm


def _perforate(density: np.ndarray, per_mm: float, first: float) -> None:
    """Holes along both edges, in place."""
    height, width = density.shape[:2]
    tall, wide = round(HOLE[1] * per_mm), round(HOLE[0] * per_mm)
    for row in (round(2.0 * per_mm), height - round(2.0 * per_mm) - tall):
        for at in np.arange(first - PITCH, width / per_mm, PITCH):
            column = round(at * per_mm)
            density[row : row + tall, max(0, column) : max(0, column + wide)] = 0


def laid(films: list[Film], kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The films below each other on what is around them: (H, W, 3) density, and (n, 4, 2) corners in reading order."""
    tilts = np.full(len(films), rng.uniform(-TILT, TILT) * rng.choice([0.15, 1]))
    if kind in ("sleeve", "holder", "filling"):
        tilts = np.full(len(films), rng.normal(0, 0.6))
    tilts = np.radians(tilts + rng.normal(0, 0.5 if kind in ("table", "clutter") else 0.1, len(films)))
    heights = np.array([f.density.shape[0] for f in films])
    widths = np.array([f.density.shape[1] for f in films])
    room = heights.mean() * {"table": rng.uniform(0.1, 0.7), "clutter": rng.uniform(0.1, 0.7)}.get(kind, rng.uniform(0.06, 0.2))
    tall = heights + widths * np.abs(np.sin(tilts))
    edge = heights.mean() * rng.uniform(0.2, 1.2, 2)
    if kind == "filling":
        edge[:] = 0
        room = -0.04 * heights.mean()
    shape = int(tall.sum() + room * (len(films) - 1) + 2 * edge[0]), int((widths * np.cos(tilts)).max() + 2 * edge[1])
    canvas = _surround(shape, kind, rng)
    corners, top = [], edge[0]
    for film_, tilt, down in zip(films, tilts, tall, strict=True):
        slack = shape[1] - film_.density.shape[1] * np.cos(tilt)
        left = slack * (rng.uniform(0.2, 0.8) if kind in ("table", "clutter") else 0.5)
        offset = np.array([left, top + max(0.0, -np.sin(tilt)) * film_.density.shape[1]])
        if kind == "sleeve":
            _sleeve(canvas, offset, film_.density.shape)
        corners.append(_put(canvas, film_, offset, tilt, kind, rng))
        top += down + room
    if kind == "filling":
        canvas = canvas[: int(top - room)] if len(films) > 1 else canvas
    return canvas, np.concatenate(corners)


def _surround(shape: tuple[int, int], kind: str, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) D of bare light, a screen's dim light, or a holder; with other things on it for "clutter"."""
    if kind == "holder" or (kind == "filling" and rng.random() < 0.5):
        return np.tile((HOLDER * rng.uniform(0.7, 1) + rng.normal(0, 0.05, 3)).astype(np.float32), (*shape, 1))
    canvas = np.tile((rng.uniform(0, 0.05) + rng.uniform(0, 0.03, 3)).astype(np.float32), (*shape, 1))
    if kind == "clutter":
        for _ in range(int(rng.integers(1, 5))):
            _thing(canvas, rng)
        if rng.random() < 0.5:
            _ruler(canvas, rng)
        if rng.random() < 0.5:  # the edge of the table or phone
            side = int(rng.uniform(0.03, 0.12) * shape[0])
            canvas[:side] = rng.uniform(0.8, 3)
    return canvas


def _thing(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A finger, a cap, a note: an opaque ellipse or oblong at the picture's border, in place."""
    height, width = canvas.shape[:2]
    y, x = np.ogrid[:height, :width]
    middle = rng.choice([0, 1]) * height, rng.uniform(0, 1) * width
    if rng.random() < 0.5:
        middle = rng.uniform(0, 1) * height, rng.choice([0, 1]) * width
    size = rng.uniform(0.04, 0.12, 2) * max(height, width)
    power = rng.choice([2, 8])
    inside = np.abs((y - middle[0]) / size[0]) ** power + np.abs((x - middle[1]) / size[1]) ** power < 1
    canvas[inside] = rng.uniform(0.3, 2.0) + rng.normal(0, 0.15, 3)


def _ruler(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A ruler's marks along the upper or lower border, in place."""
    height, width = canvas.shape[:2]
    step, long = width / rng.uniform(60, 160), int(rng.uniform(0.01, 0.03) * height)
    for i, column in enumerate(np.arange(0, width, step)):
        reach = long if i % 5 else 2 * long
        canvas[:reach, int(column) : int(column + max(1, 0.25 * step))] = 2.5


def _sleeve(canvas: np.ndarray, offset: np.ndarray, shape: tuple[int, ...]) -> None:
    """The pocket's two seams, in place."""
    seam = max(1, round(0.01 * shape[0]))
    for row in (offset[1] - 3 * seam, offset[1] + shape[0] + 2 * seam):
        canvas[max(0, int(row)) : max(0, int(row) + seam)] += 0.12


def _put(
    canvas: np.ndarray, film_: Film, offset: np.ndarray, tilt: float, kind: str, rng: np.random.Generator
) -> np.ndarray:
    """Lay film on the canvas, in place, turned by `tilt` radians about its upper left corner; returns its frames'
    corners there. In a holder only the frames show, or all between the holes."""
    density = film_.density
    if kind == "holder":
        density = _masked(film_, canvas[0, 0], rng)
    height, width = density.shape[:2]
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[cos, -sin], [sin, cos]])
    outline = np.array([(0, 0), (width, 0), (width, height), (0, height)]) @ turn.T + offset
    low, high = np.floor(outline.min(axis=0)).astype(int), np.ceil(outline.max(axis=0)).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, canvas.shape[1::-1])
    size = tuple(int(v) for v in high - low)
    back = turn.T  # from the canvas to the film
    shift = back @ (low - offset)
    data = (back[0, 0], back[0, 1], shift[0], back[1, 0], back[1, 1], shift[1])
    planes = [
        Image.fromarray(np.ascontiguousarray(density[..., c])).transform(
            size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=-1.0
        )
        for c in range(3)
    ]
    placed = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    there = placed[..., :1] > -0.3
    part[:] = np.where(there, np.maximum(placed, 0) + part * (kind == "sleeve"), part)
    return film_.corners @ turn.T + offset


def _masked(film_: Film, holder: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Film behind a holder with one long window, or with a window for each frame."""
    height, width = film_.density.shape[:2]
    open_ = np.zeros((height, width, 1), bool)
    corners = film_.corners
    rim = rng.uniform(0.0, 0.02) * height
    top, bottom = int(corners[0, 0, 1] - rim), int(corners[0, 2, 1] + rim)
    if rng.random() < 0.5:
        open_[top:bottom, : width - 1] = True
    else:
        for frame in corners:
            open_[top:bottom, max(0, int(frame[0, 0] - rim)) : int(frame[1, 0] + rim)] = True
    return np.where(open_, film_.density, holder)


def picture_of(number: int, photos: list[Path], seed: int) -> tuple[bytes, str, str, np.ndarray]:
    """One photograph: its JPEG, what the film lies on, the format, and (n, 4, 2) corners of its frames in pixels."""
    rng = np.random.default_rng((seed, number))
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    name = str(rng.choice(list(FORMATS), p=[0.5, 0.1, 0.08, 0.14, 0.08, 0.1]))
    small = FORMATS[name][1] < 30
    rows = int(rng.integers(2, 7 if small else 4)) if kind == "sleeve" else int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))
    if kind == "filling":
        rows = 1
    most = {"half-frame": 8, "35 mm": 6, "6×4.5": 4, "6×6": 4, "6×7": 3, "6×9": 3}[name]
    counts = [int(rng.integers(1 if rows == 1 else max(1, most - 2), most + 1)) for _ in range(rows)]
    longest = max(counts) * FORMATS[name][0] * 1.08
    per_mm = LONG_SIDE * rng.uniform(0.75, 0.95) / max(longest, 1.4 * rows * BREADTH[FORMATS[name][1]])
    per_mm = min(per_mm, LONG_SIDE / 90)
    films = [strip(name, count, per_mm, photos, rng) for count in counts]
    density, corners = laid(films, kind, rng)
    scale = 1.0
    if rng.random() < 0.25:  # upright
        height = density.shape[0]
        density = np.ascontiguousarray(np.rot90(density, -1))  # (x, y) to (height − y, x)
        corners = np.stack([height - corners[..., 1], corners[..., 0]], axis=-1)[:, [3, 0, 1, 2]]
    file = photograph(density, rng)
    with Image.open(io.BytesIO(file)) as opened:
        scale = opened.width / density.shape[1]
    return file, kind, name, corners * scale


def _make(number: int, out: Path, photos: list[Path], seed: int) -> list[str]:
    file, kind, name, corners = picture_of(number, photos, seed)
    path = f"{number:05d}.jpg"
    (out / path).write_bytes(file)
    boxes = ";".join(" ".join(f"{v:.1f}" for v in frame.ravel()) for frame in corners)
    return [path, kind, name, str(len(corners)), boxes]


def strips(out: Path, photos: Path | None = None, count: int = 100, seed: int = 0) -> Path:
    """Write `count` pictures and `strips.csv` into `out`. Raises FileExistsError when it is there already."""
    if out.exists():
        raise FileExistsError(f"{out}: is there already; remove it or name another folder")
    out.mkdir(parents=True)
    files = walk(photos).pictures if photos else []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(partial(_make, out=out, photos=files, seed=seed), range(count))
        lines = list(tqdm(made, total=count, desc="Simulating", unit="picture"))
    with (out / "strips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "kind", "format", "frames", "corners"], *lines])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument("--photos", type=Path, help="folder of photographs; without it all scenes are drawn")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        strips(args.out, args.photos, args.count, args.seed)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
