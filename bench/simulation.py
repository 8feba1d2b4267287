"""Where the time goes that simulated frames take: shares of it, twins and repeated tries included.

    PYTHONPATH=train python bench/simulation.py PHOTOS      # a folder of photographs

A share holds all that its function calls; a line that ends with "of that" is part of the line above it. Under the
profiler, code that calls many small functions seems slower than it is.
"""

import argparse
import cProfile
import pstats
import tempfile
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

import simulate
import simulator.sources
from darkroom.taxonomy import DEFECTS
from simulator.sources import SPLITS, Folders, jobs

PAIRS, LONG_SIDE = 16, 1000  # as many twins, of as many pixels
PARTS = {  # file and function: what it does
    "visibility.py placed_visibly": "damage, and places tried for it",
    "visibility.py visibility": "how visible a place is; of that",
    "visibility.py visible_kinds": "the twins' positives compared",
    "visibility.py _seen": "decoded, inverted, in CIELAB; of that",
    "capture.py photograph": "light, lens, sensor, file",
    "emulsion.py expose": "exposure",
    "emulsion.py add_grain": "grain",
    "capture.py mount": "the mount",
    "capture.py wear": "wear",
    "sources.py scene_for": "the scene opened",
    "simulate.py cells": "maps of the damage",
}


def shares(photos: Path, pairs: int) -> dict[str, float]:
    """The share of time, 0…1, of each of `PARTS`, over that of making so many pairs in this process."""
    folders, profile = Folders(photos), cProfile.Profile()
    todo = [list(pair) for _, pair in groupby(jobs(folders, 2 * pairs, 0, DEFECTS), key=lambda job: job.pair)]
    with tempfile.TemporaryDirectory() as place:
        for split in SPLITS:
            Path(place, split).mkdir()
        for pair in tqdm(todo, unit="pair"):
            profile.runcall(simulate._make, pair, Path(place), folders, 0)
    stats = pstats.Stats(profile).stats
    taken = {f"{Path(file).name} {name}": cumulative for (file, _, name), (*_, cumulative, _) in stats.items()}
    return {what: taken.get(part, 0.0) / taken["simulate.py _make"] for part, what in PARTS.items()}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photographs (JPEG, PNG)")
    folder = parser.parse_args().photos
    simulate.LONG_SIDE = simulator.sources.LONG_SIDE = LONG_SIDE
    for what, share in shares(folder, PAIRS).items():
        print(f"{what:42}{share:6.0%}")


if __name__ == "__main__":
    main()
