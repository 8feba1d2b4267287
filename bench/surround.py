"""Does a verdict stay what it is when rebate, sprocket holes, a holder or bare light lie around a readable frame?

    PYTHONPATH=train python bench/surround.py film   # its negatives/ that index.csv calls readable, without a border
    PYTHONPATH=train python bench/surround.py negatives   # pictures whose labels.csv has normal = 1

Each frame is judged as it is, and again with something laid around it that the photographer could have left there; and
turned by quarters. A line a surround: in how many the frame is still taken for one, how many were cut to their picture,
how often the word is the one that the bare frame has, judged whole and as the tools judge it (`frames.cut`), and by how
much `p_normal` moves on average. All pictures go through the same JPEG encoder.
"""

import argparse
import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from composite import reduced
from darkroom.film.scan import Scan, open_scan
from darkroom.frames.cut import cut
from darkroom.judge.verdict import Judge, Verdict, load
from real_film import rows_of
from simulator.filmstrip import HOLE, PITCH

LIGHT = np.float32(0.97)  # coded, of the bare light
FILM, PICTURE = 35.0, 24.0  # mm across 35 mm film, and of its pictures
MARGIN = 0.08  # of the long side


def base_of(frame: np.ndarray) -> np.ndarray:
    """(3,) what unexposed film would be: a little clearer than the clearest of the frame. frame: (h, w, 3) coded."""
    return np.minimum(np.percentile(frame.reshape(-1, 3), 99.7, axis=0) * 1.04, LIGHT - 0.02).astype(np.float32)


def around(frame: np.ndarray, value: np.ndarray | float, share: float = MARGIN, sides: bool = True) -> np.ndarray:
    """A frame with an even margin, a share of its long side wide, with noise; sides: also left and right."""
    height, width = frame.shape[:2]
    wide = round(share * max(height, width))
    beside = wide if sides else 0
    whole = np.empty((height + 2 * wide, width + 2 * beside, 3), np.float32)
    whole[:] = value + np.random.default_rng(0).normal(0, 0.004, whole.shape)
    whole[wide : wide + height, beside : beside + width] = frame
    return whole


def sprockets(frame: np.ndarray) -> np.ndarray:
    """A frame on 35 mm film, with its holes and the gaps on either side."""
    height, width = frame.shape[:2]
    if height > width:
        return np.rot90(sprockets(np.rot90(frame)), -1)
    per_mm = height / PICTURE
    base = base_of(frame)
    film = around(frame, base, (FILM - PICTURE) / 2 * per_mm / width, sides=False)
    gap = np.tile(base, (film.shape[0], round(1.5 * per_mm), 1)).astype(np.float32)
    film = np.concatenate([gap, film, gap], axis=1)
    tall, wide = round(HOLE[1] * per_mm), round(HOLE[0] * per_mm)
    for row in (round(2.0 * per_mm), film.shape[0] - round(2.0 * per_mm) - tall):
        for column in np.arange(1.0 * per_mm, film.shape[1], PITCH * per_mm).astype(int):
            film[row : row + tall, column : column + wide] = LIGHT
    return film


SURROUNDS = {
    "rebate": lambda frame: around(frame, base_of(frame)),
    "sprockets": sprockets,
    "sprockets on a light table": lambda frame: around(sprockets(frame), LIGHT),
    "black holder": lambda frame: around(frame, 0.015),
    "rebate in a black holder": lambda frame: around(around(frame, base_of(frame), 0.02), 0.015),
    "bare light": lambda frame: around(frame, LIGHT),
    "turned to the left": lambda frame: np.rot90(frame),
    "upside down": lambda frame: np.rot90(frame, 2),
    "turned to the right": lambda frame: np.rot90(frame, 3),
}


def scanned(frame: np.ndarray, name: str) -> Scan:
    """A picture (h, w, 3) coded in 0…1 as its file."""
    file = io.BytesIO()
    pixels = np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=95, subsampling=0)
    return open_scan(file.getvalue(), name)


def measured(path: Path, judge: Judge) -> tuple[Verdict, dict[str, tuple[int, bool, Verdict, Verdict]]]:
    """The verdict on a bare frame; and by surround how many frames `cut` makes, whether one of them is less than the
    picture, the verdict on the whole picture, and that on the first that was cut."""
    frame = reduced(open_scan(path).rgb)
    frame = np.asarray(frame, np.float32)
    bare = judge.judge(scanned(frame, path.name))
    found = {}
    for name, surround in SURROUNDS.items():
        scan = scanned(surround(frame), path.name)
        frames = cut(scan)
        whole = judge.judge(scan)
        found[name] = len(frames), frames[0] is not scan, whole, whole if frames[0] is scan else judge.judge(frames[0])
    return bare, found


def readable(folder: Path) -> list[Path]:
    """The pictures of a folder that are labelled readable negatives."""
    if (folder / "labels.csv").is_file():
        return [folder / row["file_name"] for row in rows_of(folder / "labels.csv") if row["normal"] == "1"]
    rows = rows_of(folder / "index.csv")
    bare = {"readable": "1", "border": "0"}.items()  # what has a border has something around it already
    return [folder / row["file"] for row in rows if row["file"].startswith("negatives/") and bare <= row.items()]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", help="folder or Hub id; the bundled ones if not given")
    parser.add_argument("--every", type=int, default=1, help="measure every n-th frame only")
    args = parser.parse_args()
    todo = readable(args.folder)[:: args.every]
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(partial(measured, judge=load(args.weights)), todo))
    print(f"{len(todo)} frames             one frame   cut   same word: whole    cut   p_normal moves: whole    cut")
    for name in SURROUNDS:
        rows = [(bare, *found[name]) for bare, found in results]
        one = np.mean([count == 1 for _, count, *_ in rows])
        less = np.mean([was for _, _, was, *_ in rows])
        words = [np.mean([r[0].verdict == r[at].verdict for r in rows]) for at in (3, 4)]
        moves = [np.mean([abs(r[0].p_normal - r[at].p_normal) for r in rows]) for at in (3, 4)]
        print(f"{name:27}{one:9.1%}{less:7.1%}{words[0]:14.1%}{words[1]:9.1%}{moves[0]:18.3f}{moves[1]:10.3f}")


if __name__ == "__main__":
    main()
