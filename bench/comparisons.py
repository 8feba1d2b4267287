"""The comparisons of `compare.py`: each measures something of ours by turns with what it is held against."""

import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

import install_size
import page_speed
import peers
import simulate
import simulator.sources
import training
from alternate import Row, compared, quartiles, seconds, silent
from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan, unit
from darkroom.judge.prefetch import CORES
from darkroom.judge.verdict import Judge
from darkroom.scoring.judging import Judging
from darkroom.scoring.manifest import Model
from darkroom.scoring.processes import Alone
from darkroom.scoring.progress import Progress
from darkroom.scoring.run import Run, run_folder
from darkroom.scoring.wanted import Wanted
from pictures import photograph
from simulator.scenes import draw

ROUNDS, FILES, BATCH = 9, 32, 16
PHOTO, CONVERTED, SIMULATED = (4000, 3000), (2000, 1350), (1500, 1000)  # width, height
FRAMES, LONG_SIDE = 64, 1000  # simulated
TRAINED = 244, 32, 320  # input size, pictures a step, pictures an epoch
BUSY = "while True: pass"


class Bench(NamedTuple):
    """What the comparisons share. weights: folder or Hub id of the judge's model; None for the bundled."""

    judge: Judge
    folder: Path
    weights: str | None

    def photo(self) -> Path:
        """The 12-megapixel JPEG."""
        path = self.folder / "photo.jpg"
        return path if path.exists() else photograph(path, 0, PHOTO)

    def shape(self) -> tuple[int, int]:
        """Height and width that the network is given of it."""
        return self.judge.prepare(open_scan(self.photo())).pixels.shape[1:]


def verdict(bench: Bench) -> list[Row]:
    """One file to a verdict with measurements and heat map."""
    path, what = bench.photo(), "12-megapixel JPEG to verdict"
    floor, pipeline = peers.floor(bench.judge, path, bench.shape()), peers.pipeline(bench.shape())
    return [
        compared(what, "small decode + bare network", lambda: bench.judge.judge(path), floor, 0.8, ROUNDS),
        compared(
            what, "transformers' pipeline", lambda: bench.judge.judge(path), lambda: pipeline(str(path)), 1.5, ROUNDS
        ),
    ]


def forward(bench: Bench) -> list[Row]:
    """The network alone."""
    rows = []
    for count in (1, BATCH):
        pixels, spans = np.zeros((count, 3, *bench.shape()), np.uint8), np.ones(count, np.float32)
        ours, theirs = lambda p=pixels, s=spans: bench.judge.run(p, s), peers.resnet18(count, bench.shape())
        rows.append(compared(f"network, {count} at once", "torchvision's, eager", ours, theirs, 1.5, ROUNDS))
        if count == 1:
            theirs = peers.onnx_runtime(bench.judge.model, bench.shape())
            rows.append(compared(f"network, {count} at once", "ONNX Runtime", ours, theirs, 1, ROUNDS))
    return rows


def score(judging: Judging, folder: Path, output: Path) -> None:
    """A folder to a new table of verdicts, as `darkroom score` does it, once its model is loaded."""
    shutil.rmtree(run_folder(output), ignore_errors=True)
    Run(Model(judging.judge, {}), judging, Wanted(output), Progress(quiet=True), [str(folder)]).finish()


def batch(bench: Bench) -> list[Row]:
    """Files of a folder to a table of verdicts; beside the floor, a pipeline, and a process that keeps a core busy."""
    folder = bench.folder / "files"
    folder.mkdir(exist_ok=True)
    paths = [photograph(folder / f"{n}.jpg", n, PHOTO) for n in range(FILES)]
    floors = [peers.floor(bench.judge, path, bench.shape()) for path in paths]
    pipeline, judging = peers.pipeline(bench.shape()), Judging(Judge(bench.judge.model), readers=Alone().readers)

    def ours() -> None:
        score(judging, folder, bench.folder / "verdicts.csv")

    def beside() -> None:
        with subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
            try:
                ours()
            finally:
                busy.kill()

    def theirs() -> object:
        return pipeline([*map(str, paths)], batch_size=BATCH)

    what, fewer = f"folder of {FILES} such files", max(1, ROUNDS // 3)
    return [
        compared(what, "small decode + bare network", ours, lambda: [floor() for floor in floors], 0.85, fewer),
        compared(what, "transformers' pipeline", ours, theirs, 3, fewer),
        compared(f"{what}, one core busy", "itself alone", beside, ours, 0.45, fewer),
    ]


def convert(bench: Bench) -> list[Row]:
    """The positive by which the labels were given."""
    path, what = photograph(bench.folder / "negative.jpg", 0, CONVERTED), f"cvt2pos, {CONVERTED[0]} × {CONVERTED[1]}"
    negative = np.asarray(Image.open(path))

    def ours() -> np.ndarray:
        return invert(unit(negative))

    error = np.mean((ours() * 255 - peers.opencv(negative)) ** 2)
    alike = float(10 * np.log10(255**2 / max(error, 1e-9)))
    denoised = compared(what, "OpenCV, with its denoising", ours, lambda: peers.opencv(negative, True), 30, 3)
    plain = compared(what, "OpenCV, without", ours, lambda: peers.opencv(negative), 1, ROUNDS)
    return [denoised, plain, Row(what, "OpenCV's picture", alike, alike, alike, "dB", 45)]


def train(bench: Bench) -> list[Row]:
    """The training loop."""
    size, step, pictures = TRAINED
    frames = training.rows(pictures, size)
    loop, bare = training.Loop(frames, size, step), training.Bare(frames, size, step)
    with silent():
        return [compared(f"training, {size} px", "bare steps on one batch", loop, bare, 0.95, max(1, ROUNDS // 3))]


def simulation(bench: Bench) -> list[Row]:
    """Frames with labelled damage, made of photographs."""
    photos = bench.folder / "photos"
    photos.mkdir(exist_ok=True)
    for n in range(8):
        scene = Image.fromarray((draw(np.random.default_rng(n)) * 255).astype(np.uint8))
        size = SIMULATED if scene.width > scene.height else SIMULATED[::-1]
        scene.resize(size, Image.Resampling.BICUBIC).save(photos / f"{n}.jpg")
    simulate.LONG_SIDE = simulator.sources.LONG_SIDE = LONG_SIDE  # inherited by the processes that are forked
    speeds = []
    for n in range(max(1, ROUNDS // 3)):
        make = partial(simulate.simulate, bench.folder / f"simulated {n}", simulate.Folders(photos), FRAMES, seed=n)
        with silent():
            speeds.append(FRAMES / seconds(make))
    middle, what = statistics.median(speeds), f"simulation, {LONG_SIDE} px"
    return [Row(what, f"{CORES} cores", middle, *quartiles(speeds), "frames/s", 7.5 * CORES)]


def page(bench: Bench) -> list[Row]:
    """What a visitor waits for, in a browser."""
    browser = page_speed.find_browser()
    if not browser:
        print("no browser found; the page is left out", file=sys.stderr)
        return []
    found = page_speed.measured(browser, bench.weights)
    grown = found["memory after many"] / found["memory"]

    def row(what: str, value: float, unit: str, limit: float, bare: str = "") -> Row:
        against = f"a bare Gradio page: {found[bare]:.2f} s" if bare else ""
        return Row(f"page: {what}", against, value, value, value, unit, limit, at_most=True)

    return [
        row("start to interactive", found["interactive"], "s", 4, "bare interactive"),
        row("first verdict", found["first"], "s", 0.5),
        row("following verdicts", found["following"], "s", 0.4, "bare following"),
        row(f"a roll of {page_speed.FRAMES}", found["roll"], "s", 8),
        row(f"memory after {page_speed.VERDICTS} verdicts, over that after the first", grown, "×", 1.1),
    ]


def install(bench: Bench) -> list[Row]:
    """What the page needs, installed anew."""
    gigabytes, taken = install_size.measured(install_size.PAGE)
    what = "install of what the page needs"
    return [Row(what, f"{taken:.0f} s", gigabytes, gigabytes, gigabytes, "GB", 1.5, at_most=True)]


COMPARISONS: dict[str, Callable[[Bench], list[Row]]] = {
    each.__name__: each for each in (verdict, forward, batch, convert, train, simulation, page, install)
}
