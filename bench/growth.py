"""How time and memory grow with a picture's pixels, with pictures at once, and with the files of a folder: drawn.

PYTHONPATH=train python bench/growth.py docs/growth.svg     # an hour; --files 100 1000 for less
"""

import argparse
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from alternate import seconds, silent
from comparisons import score
from darkroom.files.decode import ScanError
from darkroom.judge.network import Network
from darkroom.judge.verdict import Judge, load
from darkroom.scoring.judging import Judging
from darkroom.scoring.processes import Alone
from isolated import forget_peak, peak
from pictures import photograph

MEGAPIXELS = (1, 3, 12, 24, 50, 100, 200, 400)
BATCHES = (1, 2, 4, 8, 16, 32)
FILES = (100, 1_000, 10_000, 100_000)
SIDE, SMALL = 672, (96, 64)  # of the network's input in a batch; of the pictures in a folder
Point = tuple[float, float, float]  # how much, seconds, GB


def apart(work: Callable[..., Point | None], *given: object) -> Point | None:
    """Do the work in a process of its own, whose memory nothing else has touched."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def pixels(megapixels: int) -> Point | None:
    """A JPEG of so many megapixels to its verdict; None where it is refused as too large."""
    judge = load()
    with tempfile.TemporaryDirectory() as folder:
        across = round((megapixels * 1e6 * 4 / 3) ** 0.5)
        path = photograph(Path(folder, "photo.jpg"), 0, (across, across * 3 // 4))
        judge.judge(photograph(Path(folder, "warm.jpg"), 0, SMALL))
        forget_peak()
        try:
            return megapixels, seconds(lambda: judge.judge(path)), peak()
        except ScanError:
            return None


def batch(count: int) -> Point:
    """So many pictures at once through the network."""
    judge, pictures = load(), np.zeros((count, 3, SIDE * 3 // 4 // 32 * 32, SIDE), np.uint8)
    spans = np.ones(count, np.float32)
    judge.run(pictures[:1], spans[:1])
    forget_peak()
    return count, seconds(lambda: judge.run(pictures, spans)), peak()


def files(count: int) -> Point:
    """A folder of so many small files to a table, by a network that is given them small, so that reading counts."""
    bundled = load().model
    small = Judge(Network(**{**vars(bundled), "input_size": SMALL[0]}))
    judging = Judging(small, readers=Alone().readers)
    with tempfile.TemporaryDirectory() as folder, silent():
        first = photograph(Path(folder, "first.jpg"), 0, SMALL)
        scans = Path(folder, "scans")
        scans.mkdir()
        for n in range(count):
            shutil.copy(first, scans / f"{n:06d}.jpg")
        forget_peak()
        return count, seconds(lambda: score(judging, scans, Path(folder, "verdicts.csv"))), peak()


def draw(curves: dict[str, list[Point]], path: Path) -> None:
    """A column a curve: seconds above, both axes logarithmic; GB below."""
    figure, axes = plt.subplots(2, len(curves), figsize=(4 * len(curves), 6), squeeze=False, layout="constrained")
    for column, (name, points) in enumerate(curves.items()):
        amounts, taken, gigabytes = zip(*points, strict=True)
        above, below = axes[:, column]
        above.loglog(amounts, taken, marker="o")
        above.set(ylabel="seconds", ylim=(min(0.1, *taken), max(10, *taken)))
        below.semilogx(amounts, gigabytes, marker="o")
        below.set(ylabel="GB of memory at most", xlabel=name, ylim=(0, 1.2 * max(gigabytes)))
        for plot in (above, below):
            plot.grid(alpha=0.3)
    figure.savefig(path)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, help="file to draw into, .svg or .png")
    parser.add_argument("--files", type=int, nargs="+", default=FILES)
    args = parser.parse_args()
    works = {"megapixels": (pixels, MEGAPIXELS), "pictures at once": (batch, BATCHES), "files": (files, args.files)}
    curves: dict[str, list[Point]] = {name: [] for name in works}
    for name, (work, counts) in works.items():
        for n in counts:
            if point := apart(work, n):
                curves[name].append(point)
                count, taken, gigabytes = point
                print(f"{count:8.0f} {name:17} {taken:9.2f} s {gigabytes:6.2f} GB", flush=True)
    draw(curves, args.picture)


if __name__ == "__main__":
    main()
