"""How long a scan takes, stage by stage, on this machine: seconds on the clock, and of processor time.

python bench/speed.py            # the bundled weights, or --weights FOLDER
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable
from copy import copy
from dataclasses import replace

import numpy as np
import tifffile
from PIL import Image

from darkroom.film.evidence import measure
from darkroom.film.film import Film, network_input
from darkroom.film.inversion import invert
from darkroom.film.preview import positive_view, reduce
from darkroom.film.scan import open_scan
from darkroom.frames import find_frames
from darkroom.judge.verdict import load

ROUNDS = 5
WIDTH, HEIGHT = 6000, 4000  # of the TIFF; the JPEG is cut out of it


def scans() -> dict[str, bytes]:
    """Drawn negatives as the files people have: a phone's JPEG and a scanner's TIFF."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0.2, 0.8, (30, 40, 3)).astype(np.float32) * np.float32([0.9, 0.6, 0.4])
    planes = [Image.fromarray(coarse[..., c]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC) for c in range(3)]
    rgb = np.stack([np.asarray(plane) for plane in planes], axis=-1)
    rgb = (rgb + rng.normal(0, 0.01, rgb.shape).astype(np.float32)).clip(0, 1)
    jpeg, tiff = io.BytesIO(), io.BytesIO()
    Image.fromarray((rgb[:3000, :4000] * 255).astype(np.uint8)).save(jpeg, "JPEG", quality=92)
    tifffile.imwrite(tiff, (rgb * 65535).astype(np.uint16), photometric="rgb")
    return {"12-megapixel JPEG": jpeg.getvalue(), "24-megapixel 16-bit TIFF": tiff.getvalue()}


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Medians of `ROUNDS` runs: on the clock, and of processor time, which a busy machine changes less."""
    clock, processor = [], []
    for _ in range(ROUNDS):
        began, spent = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - spent)
    return statistics.median(clock), statistics.median(processor)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", help="a model's folder, or user/name[@revision] on the Hub; default: the bundled")
    judge = load(parser.parse_args().weights)
    size = judge.model.input_size
    print(f"{os.cpu_count()} cores, network input {size} pixels long, median of {ROUNDS}, seconds: clock, processor")
    for name, data in scans().items():
        scan = open_scan(data, name)
        film, prepared = Film(scan), judge.prepare(scan)
        stages = {
            "open": lambda data=data: open_scan(data).small,
            "network input": lambda film=film: network_input(film, size),
            "film": lambda scan=scan: Film(scan),
            "measure": lambda film=film: measure(copy(film)),  # which keeps what was measured
            "look for frames": lambda scan=scan: find_frames(replace(scan)),  # a scan keeps what was read of it
            "preview": lambda scan=scan: positive_view(reduce(scan)),
            "network": lambda prepared=prepared: judge.judge_prepared([prepared]),
            "file to verdict": lambda data=data: judge.judge(data),
            "invert, full size": lambda scan=scan: invert(scan.rgb),
        }
        print(name)
        for stage, work in stages.items():
            print(f"  {stage:18}" + "".join(f"{taken:7.3f}" for taken in seconds(work)))


if __name__ == "__main__":
    main()
