"""Simulate colour negatives with labelled damage, as an image folder that `train/run.py` reads.

    python train/simulate.py data/simulated                                 # scenes that it draws
    python train/simulate.py data/simulated --photos photos --count 8000    # photographs, and some scenes
    python train/simulate.py data/simulated --photos photos --negatives film  # and real, readable negatives

Frames come in twins: one with damage, one the same to the last grain without it, so that the damage is the only
difference. The same command writes the same bytes. docs/simulation.md explains the simulation.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from darkroom.taxonomy import DEFECTS
from simulator.develop import develop
from simulator.dust import DustError, dusty, outlines
from simulator.memory import keep_memory
from simulator.real import base_of, damaged, encode, negative_from
from simulator.sources import DRAWN_ALONE, LONG_SIDE, SPLITS, UNKNOWN, Folders, Job, jobs, scene_for
from simulator.visibility import visible_kinds

GRID = 24  # cells of the coarse damage maps, a side
STRIKING = ("noise", "holes")  # visible on the negative whatever the positive shows: hardly any density, and bare light
FAINT = (
    "colour_patches",
    "residual_spots",
    "dye_removal",
)  # hard to distinguish from a picture: drawn half as often again as the others
SECOND = 0.2  # chance of a second kind of damage beside the first
WHOLE = 0.9  # share of the frame from which damage counts as visible, although it has no surroundings
WORST = 3.0  # severity
TRIES = 3  # of damage that is not visible, each half way from the severity before to the worst


@dataclass
class FrameMetadata:
    """A line of `metadata.jsonl`. label: 1 readable, 0 damaged. severity: 0…3, of the worst defect.
    source: the photograph, scene or real film; group: the same, or its photographer, never in two splits. pair: the
    number that twins share. The kinds are None where damage is of an unknown kind. defect_cells: (7, 24, 24) largest
    visible coverage in each cell, 0…1; empty where it is unknown."""

    file_name: str
    label: int
    severity: float
    source: str
    group: str
    seed: int
    pair: int
    noise: int | None = 0
    blank_area: int | None = 0
    colour_patches: int | None = 0
    holes: int | None = 0
    residual_spots: int | None = 0
    dye_removal: int | None = 0
    light_leak: int | None = 0
    defect_cells: list = field(default_factory=list)


def plan(rng: np.random.Generator) -> dict[str, float]:
    """Draw the defects of a damaged frame: {kind: severity}."""
    count = 2 if rng.random() < SECOND else 1
    often = np.where(np.isin(DEFECTS, FAINT), 1.5, 1.0)
    kinds = [str(kind) for kind in rng.choice(DEFECTS, count, replace=False, p=often / often.sum())]
    return {kind: float(rng.uniform(0.7, WORST)) for kind in kinds}


def cells(coverage: np.ndarray) -> list:
    """(H, W, 7) coverage -> (7, 24, 24) nested lists of the largest in each cell, rounded to hundredths."""
    rows, columns = (np.linspace(0, n, GRID + 1).astype(int)[:-1] for n in coverage.shape[:2])
    largest = np.maximum.reduceat(np.maximum.reduceat(coverage, rows, axis=0), columns, axis=1)
    return [[[round(float(v), 2) for v in row] for row in kind] for kind in largest.transpose(2, 0, 1)]


def _frames(
    source: str, folders: Folders, seed: tuple[int, int]
) -> Callable[[dict[str, float]], tuple[bytes, np.ndarray]]:
    """A function that makes frames of one scene or real negative: from the wanted damage, or none, the file and its
    coverage, (H, W, 7). Everything else is the same in each."""
    dust = outlines(folders.dust) if folders.dust else ()
    if source.startswith("real/"):
        clean, inside = negative_from(folders.negatives / source.removeprefix("real/"), LONG_SIDE)
        base = base_of(clean, inside)

        def make(wanted: dict[str, float]) -> tuple[bytes, np.ndarray]:
            *_, film_rng, dust_rng = np.random.default_rng(seed).spawn(4)
            density, coverage = damaged(clean.copy(), inside, wanted, DEFECTS, film_rng)
            return encode(dusty(density, base, dust, dust_rng) if dust else density), coverage

    else:
        scene = scene_for(source, folders, np.random.default_rng(seed).spawn(4)[0])

        def make(wanted: dict[str, float]) -> tuple[bytes, np.ndarray]:
            return develop(scene, wanted, np.random.default_rng(seed).spawn(4)[2], dust)

    return make


def _make(pair: list[Job], out: Path, folders: Folders, seed: int) -> list[FrameMetadata]:
    """Make and write a frame with damage and, where the pair has two, its twin; or a frame of a scan of
    damaged film. A kind that is neither `STRIKING` nor visible beside the twin is not damage."""
    rolled = seed, pair[0].pair
    if pair[0].source.startswith("damaged/"):
        scene_rng, film_rng = np.random.default_rng(rolled).spawn(2)
        dust = outlines(folders.dust) if folders.dust else ()
        file, _ = develop(scene_for(pair[0].source, folders, scene_rng), {}, film_rng, dust)
        kind = Path(pair[0].source).parts[1]
        kinds = dict.fromkeys(DEFECTS) if kind == UNKNOWN else {kind: 1}
        return [_written(out, pair[0], seed, file, 0, None, kinds, [])]
    wanted = plan(np.random.default_rng(rolled).spawn(3)[1])
    frame = _frames(pair[0].source, folders, rolled)
    clean, _ = frame({})
    for _ in range(TRIES):
        ruined, coverage = frame(wanted)
        whole = (coverage > 0.5).mean(axis=(0, 1)) > WHOLE
        coverage = coverage * (visible_kinds(clean, ruined, coverage) | np.isin(DEFECTS, STRIKING) | whole)
        seen = {kind: severity for kind, severity in wanted.items() if coverage[..., DEFECTS.index(kind)].any()}
        if len(seen) == len(wanted):
            break
        wanted = {kind: s if kind in seen else (s + WORST) / 2 for kind, s in wanted.items()}
    twins = zip(pair, (ruined, clean), (coverage, 0 * coverage), (seen, {}), strict=False)
    return [
        _written(
            out,
            job,
            seed,
            file,
            int(not kinds),
            round(max(kinds.values(), default=0.0), 2),
            dict.fromkeys(kinds, 1),
            cells(where),
        )
        for job, file, where, kinds in twins
    ]


def _written(
    out: Path, job: Job, seed: int, file: bytes, label: int, severity: float | None, kinds: dict, where: list
) -> FrameMetadata:
    name = f"{job.number:06d}.jpg"
    (out / job.split / name).write_bytes(file)
    return FrameMetadata(name, label, severity, job.source, job.group, seed, job.pair, **kinds, defect_cells=where)


def simulate(out: Path, folders: Folders = DRAWN_ALONE, count: int = 600, seed: int = 0) -> Path:
    """Write `count` frames into out/{train,validation,test}, with a metadata.jsonl each. Returns `out`.

    `out` appears when it is complete. Raises FileExistsError when something is there already, FileNotFoundError
    when a folder holds no picture or damage of no known kind, dust.DustError.
    """
    if out.exists():
        raise FileExistsError(f"{out}: is there already; remove it or name another folder")
    todo = jobs(folders, count, seed, DEFECTS)
    if folders.dust:
        outlines(folders.dust)
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for split in SPLITS:
        (unfinished / split).mkdir(parents=True)
    pairs = [list(pair) for _, pair in groupby(todo, key=lambda job: job.pair)]
    make = partial(_make, out=unfinished, folders=folders, seed=seed)
    with ProcessPoolExecutor(os.cpu_count(), initializer=keep_memory) as pool:
        made = tqdm(pool.map(make, pairs, chunksize=4), total=len(pairs), desc="Simulating", unit="pair")
        frames = [frame for pair in made for frame in pair]
    for split in SPLITS:
        lines = [json.dumps(asdict(frame)) for frame, job in zip(frames, todo, strict=True) if job.split == split]
        (unfinished / split / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    unfinished.rename(out)
    return out


def simulated(folder: Path) -> str:
    """The default data set, made at `folder` unless it is there."""
    return str(folder if folder.exists() else simulate(folder))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument(
        "--photos", type=Path, help="folder of photographs (JPEG, PNG); without it all scenes are drawn"
    )
    parser.add_argument(
        "--negatives",
        type=Path,
        help="folder of real, readable negatives (JPEG, PNG), to damage; a folder in it is a photographer",
    )
    parser.add_argument(
        "--damaged",
        type=Path,
        help=f"folder of scans, positives, of damaged film, in folders named by the kind of damage or {UNKNOWN}",
    )
    parser.add_argument("--dust", type=Path, help="folder of outlines of real dust (JSON); without it dust is drawn")
    parser.add_argument("--count", type=int, default=600, help="frames in all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        simulate(args.out, Folders(args.photos, args.negatives, args.damaged, args.dust), args.count, args.seed)
    except (FileExistsError, FileNotFoundError, DustError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
