"""Measure how well frames are found: on pictures whose frames are known, and on pictures that are one frame.

    python train/strips.py data/strips --photos photos --count 200
    PYTHONPATH=train python bench/find_frames.py data/strips       # simulated: strips.csv has corners
    PYTHONPATH=train python bench/find_frames.py film/strips       # real: boxes.csv names each frame's box
    PYTHONPATH=train python bench/find_frames.py film/negatives    # no such file: every picture is a single frame
    PYTHONPATH=train python bench/find_frames.py --simulated 40    # strips that it draws itself

Prints the share of pictures with the right count, within one of it, the mean over frames of the intersection over
union with the frame that was found there (0 where none was), the share of single frames that were left in one piece,
and seconds a picture, on the clock and of one processor, decoding apart. --wrong names the pictures that are wrong.
"""

import argparse
import csv
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from darkroom.files.folder import walk
from darkroom.film.scan import open_scan
from darkroom.frames import find_frames
from simulator.overlap import overlap
from strips import strips


@dataclass(frozen=True, eq=False)
class Truth:
    """A picture and its frames, (n, 4, 2) in pixels of the file; None: it is one frame, wherever its edges are."""

    path: Path
    kind: str
    corners: np.ndarray | None


@dataclass(frozen=True)
class Result:
    """What was found on one picture. overlap: of each frame, 0…1. clock, processor: seconds."""

    path: Path
    kind: str
    single: bool
    expected: int
    found: int
    overlap: tuple[float, ...]
    clock: float
    processor: float


def truths(folder: Path) -> list[Truth]:
    """What a folder says of its pictures."""
    simulated, real = folder / "strips.csv", folder / "boxes.csv"
    if simulated.exists():
        with simulated.open(newline="") as file:
            rows = list(csv.DictReader(file))
        corners = [
            np.array([frame.split() for frame in row["corners"].split(";")], float).reshape(-1, 4, 2) for row in rows
        ]
        return [Truth(folder / row["file"], row["kind"], c) for row, c in zip(rows, corners, strict=True)]
    if real.exists():
        with real.open(newline="") as file:
            rows = list(csv.reader(file))[1:]
        return [Truth(folder / name, "real", _boxes(boxes)) for name, _, boxes in rows]
    return [Truth(path, "single", None) for path in walk(folder).pictures]


def _boxes(text: str) -> np.ndarray:
    """(n, 4, 2) of "x y width height; …"."""
    boxes = np.array([box.split() for box in text.split(";")], float)
    x, y, width, height = boxes.T
    return np.stack(
        [np.stack(c, axis=-1) for c in ((x, y), (x + width, y), (x + width, y + height), (x, y + height))], axis=1
    )


def measure(truth: Truth) -> Result:
    """Find the frames of a picture and compare."""
    scan = open_scan(truth.path)
    small = scan.small
    began, spent = time.perf_counter(), time.process_time()
    found = find_frames(scan)
    clock, processor = time.perf_counter() - began, time.process_time() - spent
    if truth.corners is None:
        return Result(truth.path, truth.kind, True, 1, len(found), (), clock, processor)
    with Image.open(truth.path) as opened:
        size = np.array(opened.size, float)
    shared = overlap(truth.corners / size, np.array([frame.polygon for frame in found]), small.shape)
    expected = len(truth.corners)
    single = expected == 1
    return Result(truth.path, truth.kind, single, expected, len(found), shared, clock, processor)


def report(kind: str, results: list[Result]) -> None:
    """Print a line on the pictures of one kind."""
    off = np.array([abs(r.found - r.expected) for r in results])
    overlaps = [v for r in results for v in r.overlap]
    singles = [r.found == 1 for r in results if r.single]
    clock, processor = (np.median([getattr(r, name) for r in results]) for name in ("clock", "processor"))
    iou = f"{np.mean(overlaps):6.3f}" if overlaps else "     –"
    alone = f"{np.mean(singles):6.1%} of {len(singles)}" if singles else "– of 0"
    print(
        f"{kind:10}{len(results):6}{(off == 0).mean():8.1%}{(off <= 1).mean():12.1%}{iou:>8}{alone:>16}"
        f"{clock:8.2f}{processor:8.2f}"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--simulated", type=int, default=0, metavar="N", help="measure on N drawn strips too")
    parser.add_argument("--every", type=int, default=1, help="measure every n-th picture only")
    parser.add_argument("--wrong", action="store_true", help="name the pictures whose count is wrong")
    args = parser.parse_args()
    if not args.folders and not args.simulated:
        parser.error("name a folder of pictures, or --simulated and how many")
    with TemporaryDirectory() as drawn, ProcessPoolExecutor() as pool:
        folders = [*args.folders, *([strips(Path(drawn) / "strips", count=args.simulated)] if args.simulated else [])]
        todo = [truth for folder in folders for truth in truths(folder)[:: args.every]]
        results = sorted(pool.map(measure, todo, chunksize=4), key=lambda r: r.kind)
    print("kind      pictures   exact  within one     IoU   singles whole   clock     CPU")
    for kind, of_kind in groupby(results, key=lambda r: r.kind):
        report(kind, list(of_kind))
    report("all", results)
    if args.wrong:
        for r in results:
            if r.found != r.expected or (r.overlap and min(r.overlap) < 0.8):
                least = f", least IoU {min(r.overlap):.2f}" if r.overlap else ""
                print(f"{r.path.name} ({r.kind}): {r.found} found, {r.expected} there{least}")


if __name__ == "__main__":
    main()
