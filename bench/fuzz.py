"""Broken and hostile files, seeded: each must end in a verdict or in one sentence, in bounded time and memory.

python bench/fuzz.py             # 2,000 cases, or --cases N; prints the slowest and the largest memory
"""

import argparse
import io
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pillow_heif
import tifffile
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.archive import find_frames
from darkroom.roll import judge_roll
from darkroom.verdict import Judge, load

SECONDS, GIGABYTES = 2.0, 1.5  # that a case may take of a processor; that all may take of memory
MASKS = {
    "serpentine": lambda y, x: (y % 2 == 0) | ((x == np.where(y % 4 == 1, x.max(), 0)) & (y % 2 == 1)),
    "comb": lambda y, x: (x % 2 == 0) | (y == 0),
    "checkerboard": lambda y, x: (x + y) % 2 == 0,
    "rings": lambda y, x: np.maximum(abs(x - x.max() // 2), abs(y - y.max() // 2)) % 2 == 0,
    "speckle": lambda y, x: (x * 7919 + y * 104729 + x * y * 31) % 101 < 59,
}
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF", "heic": "HEIF", "dng": "TIFF", "zip": "ZIP"}


def encoded(picture: np.ndarray, suffix: str) -> bytes:
    """The bytes of a picture (h, w, 3) uint8 as one of `FORMATS`; a DNG has the structure of a 16-bit TIFF."""
    out = io.BytesIO()
    if suffix == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("frame.png", encoded(picture, "png"))
    elif suffix == "dng":
        tags = [(50706, "B", 4, (1, 4, 0, 0), True)]  # DNGVersion
        tifffile.imwrite(out, picture.astype(np.uint16) * 257, photometric="rgb", extratags=tags)
    elif suffix == "heic":
        pillow_heif.from_pillow(Image.fromarray(picture)).save(out)
    else:
        Image.fromarray(picture).save(out, FORMATS[suffix])
    return out.getvalue()


def case(number: int) -> tuple[str, bytes]:
    """The name and bytes of a case: an adversarial picture, or bytes changed, cut out or doubled in one."""
    rng = np.random.default_rng(number)
    suffix, mask = rng.choice(list(FORMATS)), rng.choice(list(MASKS))
    y, x = np.mgrid[0 : rng.integers(16, 700), 0 : rng.integers(16, 700)]
    light, dark = rng.choice([0, 40, 120, 200, 255], (2, 3))
    data = bytearray(encoded(np.where(MASKS[mask](y, x)[..., None], light, dark).astype(np.uint8), suffix))
    how = rng.choice(["whole", "bytes", "header", "cut", "doubled"])
    if how in ("bytes", "header"):
        end = len(data) if how == "bytes" else min(len(data), 300)
        for place in rng.integers(0, end, rng.integers(1, 12)):
            data[place] = rng.integers(0, 256)
    elif how == "cut":
        del data[rng.integers(0, len(data)) :]
    elif how == "doubled":
        start, end = np.sort(rng.integers(0, len(data), 2))
        data[end:end] = data[start:end]
    return f"{number}-{mask}-{how}.{suffix}", bytes(data)


def run(judge: Judge, number: int) -> tuple[str, float, list[str]]:
    """Judge a case as a roll does: its name, seconds of processor time, what was said."""
    name, data = case(number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        begun = time.process_time()
        frames = list(judge_roll(judge, find_frames([path], Path(folder, "out")), 0.5))
        return name, time.process_time() - begun, [frame.error or frame.verdict.reason for frame in frames]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    cases = parser.parse_args().cases
    torch.set_num_threads(1)  # processor time then is the time of one core
    judge, found = load(), []
    for number in range(cases):
        found.append(run(judge, number))
    name, seconds, _ = max(found, key=lambda each: each[1])
    unforeseen = [each for each in found if any("could not be judged" in said for said in each[2])]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{cases} cases; slowest {seconds:.2f} s ({name}); largest memory {memory:.2f} GB; {len(unforeseen)} unforeseen"
    )
    for name, _, said in unforeseen:
        print(name, *said)
    return int(seconds > SECONDS or memory > GIGABYTES or bool(unforeseen))


if __name__ == "__main__":
    sys.exit(main())
