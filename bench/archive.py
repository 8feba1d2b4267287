"""A whole archive: memory while it is scored, and files a second against the least that the work can take.

python bench/archive.py                 # 20,000 files; --files 200 for a look, --chart memory.png for a picture

The floor is decoding each file small and one bare pass of the network for it, by as many threads as scoring has. The
verdict's own work comes on top of it: its measurements, and looking for frames. What scoring adds to both is the list,
the journal and the threads. All three are timed in turns on the same files in one run, so that a busy machine slows
them alike.
"""

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from darkroom.files.decode import decode
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut
from darkroom.judge.network import BATCH
from darkroom.judge.prefetch import ahead, share_memory
from darkroom.judge.runtime import Runtime
from darkroom.judge.verdict import Judge
from darkroom.scoring.items import items_at
from darkroom.scoring.journal import Journal
from darkroom.scoring.judging import Judging
from darkroom.scoring.manifest import Model, judge_name, model
from darkroom.scoring.processes import Alone
from darkroom.scoring.progress import Progress
from darkroom.scoring.run import Run
from darkroom.scoring.wanted import Wanted

PICTURES = 12  # different ones; the archive is links to them
TURNS, TURN = 8, 24  # comparisons of floor and scoring, and files in each


def archive(folder: Path, files: int, width: int, height: int) -> list[Path]:
    """An archive of `files` names for a dozen drawn negatives, JPEGs of `width` × `height`."""
    rng, drawn = np.random.default_rng(0), []
    (folder / "drawn").mkdir(parents=True)
    for n in range(PICTURES):
        coarse = rng.uniform(0.2, 0.8, (30, 40, 3)).astype(np.float32) * np.float32([0.9, 0.6, 0.4])
        planes = [Image.fromarray(coarse[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(3)]
        rgb = np.stack([np.asarray(plane) for plane in planes], axis=-1)
        rgb = (rgb + rng.normal(0, 0.01, rgb.shape).astype(np.float32)).clip(0, 1)
        drawn.append(folder / "drawn" / f"{n}.jpg")
        Image.fromarray((rgb * 255).astype(np.uint8)).save(drawn[-1], quality=90)
    names = []
    for n in range(files):
        names.append(folder / "scans" / f"{n // 500:03}" / f"{n:06}.jpg")
        names[-1].parent.mkdir(parents=True, exist_ok=True)
        os.link(drawn[n % PICTURES], names[-1])
    return names


def floor(judge: Judge, files: list[Path], readers: int) -> None:
    """Decode each file small, and run the network once for it, on as many pixels as it is given of such a file."""
    shape = judge.prepare(open_scan(files[0])).pixels.shape
    blank, span = np.zeros((1, *shape), np.uint8), np.ones(1, np.float32)
    network = Runtime(judge.model, threads=1)

    def work(path: Path) -> None:
        decode(path, path.name, small=1)
        network(blank, span)

    for _ in ahead(work, files, readers, readers + BATCH):
        pass


def bare(judging: Judging, files: list[Path]) -> None:
    """Each file to its verdict, and nothing kept."""

    def work(path: Path) -> None:
        for scan in cut(open_scan(path)):
            judging.judge.judge(scan)

    for _ in ahead(work, files, judging.readers, judging.readers + BATCH):
        pass


def seconds(work: Callable[[], object]) -> float:
    """On the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Memory(Progress):
    """Says nothing, and notes the memory of this process two hundred times on the way. files: that are to come."""

    def __init__(self, files: int) -> None:
        super().__init__(quiet=True)
        self.every, self.seen = max(1, files // 200), list[float]()

    def add(self, judged: list) -> None:
        """Some items are done."""
        super().add(judged)
        if self.done % self.every == 0:
            self.seen.append(psutil.Process().memory_info().rss / 1e6)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--size", type=int, nargs=2, default=(4000, 3000), help="of the JPEGs, width and height")
    parser.add_argument("--weights", help="a model's folder, or user/name[@revision] on the Hub; default: the bundled")
    parser.add_argument("--chart", type=Path, help="draw the memory over the files into this file")
    args = parser.parse_args()
    share_memory()  # as `darkroom score` does
    loaded, readers = model(args.weights), Alone().readers
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        names = archive(folder, max(args.files, TURNS * TURN), *args.size)
        judging = Judging(loaded.judge, readers=readers)
        floor(loaded.judge, names[:readers], readers)  # libraries are loaded
        shares = [turn(judging, loaded, names[n * TURN : (n + 1) * TURN], folder / f"{n}.run") for n in range(TURNS)]
        of_floor, of_bare = (statistics.median(each) for each in zip(*shares, strict=True))
        print(f"{readers} threads: scoring has {of_floor:.0%} of the floor's files a second,")
        print(f"and {of_bare:.0%} of what the verdicts alone have")
        gc.collect()
        memory = Memory(args.files)
        paths = [str(path) for path in names[: args.files]] if args.files < 500 else [str(folder / "scans")]
        taken = seconds(Run(loaded, judging, Wanted(folder / "v.csv"), memory, paths).finish)
    first, last = memory.seen[len(memory.seen) // 10], memory.seen[-1]
    print(f"{args.files:,} files, {args.files / taken:.2f} a second")
    print(f"memory {first:.0f} MB after a tenth, {last:.0f} MB at the end, {max(memory.seen):.0f} MB at most")
    if args.chart:
        chart(memory, args.chart)


def turn(judging: Judging, loaded: Model, files: list[Path], folder: Path) -> tuple[float, float]:
    """Floor, verdicts alone and scoring on the same files: how much scoring has of the speed of the other two."""

    def scored() -> None:
        with Journal(folder, judge_name(loaded, judging)) as journal:
            journal.plan(items_at(map(str, files), print))
            for judged in judging.each(journal.pending()):
                journal.record(judged)

    least = seconds(lambda: floor(judging.judge, files, judging.readers))
    alone, taken = seconds(lambda: bare(judging, files)), seconds(scored)
    speeds = [len(files) / each for each in (least, alone, taken)]
    print("  floor {:6.2f} files a second, verdicts {:6.2f}, scoring {:6.2f}".format(*speeds))
    return least / taken, alone / taken


def chart(memory: Memory, path: Path) -> None:
    """Draw megabytes over files."""
    from matplotlib.figure import Figure

    figure = Figure((7, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(memory.seen) + 1) * memory.every, memory.seen)
    axes.set(xlabel="files", ylabel="memory, MB", ylim=(0, 1.2 * max(memory.seen)), title="Memory while scoring")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
