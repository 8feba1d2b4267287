"""Simulate photographs of whole strips, sleeves and holders, with the corners of every frame.

    python train/strips.py data/strips                          # scenes that it draws
    python train/strips.py data/strips --photos photos --count 200

Frames are exposed and developed as by `simulate.py` and placed on film of one format with its rebate, holes and gaps.
The film lies on a light table, on a phone's screen, in a holder, in a sleeve, among other things, or fills the
picture. `strips.csv` has a line a picture: file, kind, format, frames, and the corners of each frame in reading
order as x y pairs in pixels, clockwise from the upper left. The same command writes the same bytes.
"""

import argparse
import csv
import io
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from darkroom.files.folder import walk
from simulator.arrangement import arranged
from simulator.capture import photograph
from simulator.filmstrip import BREADTH, FORMATS, strip

SHARES = {"table": 0.36, "clutter": 0.18, "sleeve": 0.16, "holder": 0.16, "filling": 0.14}
LONG_SIDE = 1600  # pixels of a picture


def simulated_photograph(number: int, photos: list[Path], seed: int) -> tuple[bytes, str, str, np.ndarray]:
    """One photograph: its JPEG, the kind of background, the format, and (n, 4, 2) corners of its frames in pixels."""
    rng = np.random.default_rng((seed, number))
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    name = str(rng.choice(list(FORMATS), p=[0.5, 0.1, 0.08, 0.14, 0.08, 0.1]))
    small = FORMATS[name][1] < 30
    rows = int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))
    if kind == "sleeve":
        rows = int(rng.integers(2, 7 if small else 4))
    elif kind == "filling":
        rows = 1
    most = {"half-frame": 8, "35 mm": 6, "6×4.5": 4, "6×6": 4, "6×7": 3, "6×9": 3}[name]
    counts = [int(rng.integers(1 if rows == 1 else max(1, most - 2), most + 1)) for _ in range(rows)]
    longest = max(counts) * FORMATS[name][0] * 1.08
    per_mm = LONG_SIDE * rng.uniform(0.75, 0.95) / max(longest, 1.4 * rows * BREADTH[FORMATS[name][1]])
    per_mm = min(per_mm, LONG_SIDE / 90)
    films = [strip(name, count, per_mm, photos, rng) for count in counts]
    density, corners = arranged(films, kind, rng)
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
    file, kind, name, corners = simulated_photograph(number, photos, seed)
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
    """Run the command."""
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
