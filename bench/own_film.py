"""What a photographer gains who labels a few frames: verdicts on the others before and after `train/run.py --init`.

    PYTHONPATH=train python bench/own_film.py FILM [--weights WEIGHTS] [--half choose|report] [options of train/run.py]

FILM is a folder as bench/real_film.py describes it, of which the real scans are taken that nothing learns from. A
photographer is one film and one camera for all of them: faded and fogged film of coarse grain, a vignette, a colour
cast, drawn once. Half of the readable scans get damage by bench/composite.py, which shares nothing with the training
simulator; to him only that is damaged, not what his film and camera do. Of 8, 16 and 48 labelled frames a data set is
made and trained on by the two commands of docs/training.md. Measured are his other frames, always the same, and, as a
check that nothing is forgotten, strangers' frames: the same scans and damage, each with a film and camera of its own.
"""

import argparse
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

import composite
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import Judge, Prepared, load
from learning.metrics import figures_of, intervals
from real_film import SCAN_SIDE, negative_of, rows_of
from simulator.emulsion import FilmStock, add_grain, expose, film_stock

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPHERS = 2  # of each half
LABELLED = (8, 16, 48)  # frames, half of them readable; a larger set holds the smaller
OTHERS = 32  # frames that are judged, at most
SEVERITY = 2  # of the damage


@dataclass(frozen=True)
class Frame:
    """A scan that becomes a frame. label: 1 readable, 0 damaged. kind: the damage put on it, "clean" for none."""

    path: Path
    label: int
    kind: str

    @property
    def seed(self) -> int:
        """The same in every run."""
        return zlib.crc32(self.path.name.encode())


@dataclass(frozen=True)
class Setup:
    """A photographer's film and camera. light: (3,) factors of the channels. falloff: share of the light that
    is missing in the corners. soft: sigma of the blur in pixels. gamma: of the file."""

    roll: FilmStock
    light: np.ndarray
    falloff: float
    soft: float
    gamma: float

    @classmethod
    def draw(cls, seed: int) -> "Setup":
        """One that is seldom seen: expired film under a phone or an old lens."""
        rng = np.random.default_rng(seed)
        usual = film_stock(rng)
        roll = FilmStock(
            base=usual.base + rng.uniform(0.1, 0.4, 3).astype(np.float32),  # fog
            contrast=usual.contrast * rng.uniform(0.45, 0.7) * rng.uniform(0.8, 1.2, 3),
            toe=usual.toe,
            leak=usual.leak,
            grain=float(rng.uniform(0.09, 0.14)),
            grain_size=float(rng.uniform(0.9, 1.4)),
        )
        light = np.exp(rng.normal(0, 0.25, 3))
        return cls(
            roll, light, float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.5, 1.0)), float(rng.uniform(1.8, 2.6))
        )

    def photograph(self, path: Path, seed: int) -> np.ndarray:
        """A scan as this photographer's negative, (H, W, 3) coded 0…1."""
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((SCAN_SIDE, SCAN_SIDE), Image.Resampling.LANCZOS)
        rng = np.random.default_rng(seed)
        density = expose(np.asarray(picture, np.float32) / 255, self.roll, float(rng.normal(0.3, 0.4)), np.zeros(3))
        light = 10 ** -add_grain(density, self.roll, rng)
        y, x = np.ogrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
        light = light * (1 - self.falloff * (x**2 + y**2) / 2)[..., None]
        light = ndimage.gaussian_filter(light, (self.soft, self.soft, 0))
        bright = np.percentile(light, 99, axis=(0, 1)).mean()
        return np.clip(light * self.light / bright * 0.8, 0, 1) ** (1 / self.gamma)


def frames_of(folder: Path, half: str) -> list[Frame]:
    """The half's scans that are readable or damaged, in a random order; every other readable one is to be damaged."""
    scans = [row for row in rows_of(folder / "index.csv") if row["file"].startswith("scans/") and row["half"] == half]
    scans = [row for row in scans if row["readable"] in ("0", "1")]
    rng = np.random.default_rng(0)
    rng.shuffle(scans)
    kinds = [maker.__name__ for maker in composite.MAKERS]
    frames, count = [], 0
    for row in scans:
        kind = "clean"
        if row["readable"] == "1":
            count += 1
            kind = kinds[count // 2 % len(kinds)] if count % 2 else "clean"
        frames.append(Frame(folder / row["file"], int(row["readable"] == "1" and kind == "clean"), kind))
    return frames


def file_of(frame: Frame, setup: Setup | None) -> bytes:
    """The JPEG of a frame by a photographer, or by a stranger (None)."""
    if setup is None:
        rgb = composite.reduced(open_scan(negative_of(frame.path), frame.path.name).rgb)
    else:
        rgb = setup.photograph(frame.path, frame.seed)
    return composite.composite(rgb, getattr(composite, frame.kind), SEVERITY, frame.seed)[0]


def seen(frame: Frame, setup: Setup | None, judge: Judge) -> Prepared:
    """A frame by a photographer, or by a stranger, as models of one input size judge it."""
    return judge.prepare(open_scan(file_of(frame, setup)))


def deal(frames: list[Frame]) -> tuple[list[Frame], list[Frame]]:
    """The frames to label, readable and damaged in turn, and the others."""
    piles = [[frame for frame in frames if frame.label == label] for label in (1, 0)]
    most = min(max(LABELLED) // 2, min(map(len, piles)) - 2)  # two of each are left to be judged
    labelled = [frame for pair in zip(*(pile[:most] for pile in piles), strict=True) for frame in pair]
    return labelled, [frame for frame in frames if frame not in labelled][:OTHERS]


def trained(files: dict[Frame, bytes], weights: str | None, place: Path, options: list[str]) -> Path:
    """The model that the two commands make of labelled frames. Raises CalledProcessError."""
    (place / "pictures").mkdir(parents=True)
    lines = ["picture,normal"]
    for number, (frame, data) in enumerate(files.items(), 1):
        (place / "pictures" / f"{number}.jpg").write_bytes(data)
        lines.append(f"{number}.jpg,{frame.label}")
    (place / "labels.csv").write_text("\n".join(lines) + "\n")
    weights = weights or str(ROOT / "space" / "weights")
    init = str(Path(weights).resolve()) if Path(weights).exists() else weights
    for command in (
        ["data.py", "build", "pictures", "labels.csv", "mine"],
        ["run.py", "--data", "mine", "--init", init, "--name", "own", *options],
    ):
        words = [sys.executable, str(ROOT / "train" / command[0]), *command[1:]]
        done = subprocess.run(words, cwd=place, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
    return place / "runs" / "own" / "model"


def row(title: str, p: np.ndarray, truth: np.ndarray) -> str:
    """A line of the table: mean P(normal) of readable and of damaged frames, balanced accuracy and AUROC."""
    figures, sure = figures_of(p, truth), intervals(p, truth)
    cells = [f"{p[truth == 1].mean():10.2f}{p[truth == 0].mean():9.2f}"]
    for name in ("balanced_accuracy", "auroc"):
        low, high = sure[name]
        cells.append(f"{figures[name]:8.2f} ({low:.2f}–{high:.2f})")
    return f"{title:34}" + "".join(cells)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", help="folder or Hub id; the bundled ones if not given")
    parser.add_argument("--half", choices=("choose", "report"), default="report")
    args, options = parser.parse_known_args()
    if not (args.folder / "index.csv").is_file():
        print(f"{args.folder}: no index.csv; name a folder with labelled film", file=sys.stderr)
        sys.exit(2)
    labelled, others = deal(frames_of(args.folder, args.half))
    begun, counts = load(args.weights), [count for count in LABELLED if count <= len(labelled)]
    truth = np.array([frame.label for frame in others])
    print(f"{len(others)} frames, {truth.sum()} of them readable; intervals: 95 %, over frames")
    print(f"{'':34}{'p readable':>10}{'damaged':>9}{'balanced accuracy':>20}{'AUROC':>20}", flush=True)
    bar = tqdm(total=PHOTOGRAPHERS * (2 + 3 * len(counts)) + 1, unit="step")

    def judged(title: str, frames: list[Prepared], model: str | Path | None) -> None:
        p = np.array([verdict.p_normal for verdict in load(model).judge_prepared(frames)])
        tqdm.write(row(title, p, truth))
        bar.update()

    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor() as pool:
        strangers = list(pool.map(partial(seen, setup=None, judge=begun), others))
        judged("strangers, before", strangers, args.weights)
        for number in range(1, PHOTOGRAPHERS + 1):
            setup = Setup.draw(zlib.crc32(f"{args.half} {number}".encode()))
            files = dict(zip(labelled, pool.map(partial(file_of, setup=setup), labelled), strict=True))
            his = list(pool.map(partial(seen, setup=setup, judge=begun), others))
            bar.update()
            judged(f"photographer {number}, before", his, args.weights)
            for count in counts:
                few = {frame: files[frame] for frame in labelled[:count]}
                model = trained(few, args.weights, Path(folder) / f"{number} {count}", options)
                bar.update()
                judged(f"photographer {number}, {count} labelled", his, model)
                judged(f"strangers, after {count} of {number}", strangers, model)
    bar.close()


if __name__ == "__main__":
    main()
