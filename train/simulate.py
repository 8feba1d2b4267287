"""Simulate colour negatives with labelled damage, as an image folder that `train/run.py` reads.

    python train/simulate.py data/simulated                                 # scenes that it draws
    python train/simulate.py data/simulated --photos photos --count 8000    # photographs of one's own, and scenes
    python train/simulate.py data/simulated --photos photos --negatives film  # and real, sound negatives

Frames come in twins: one with damage, one the same to the last grain without it, so that what tells them apart is the
damage and nothing else. The same command writes the same bytes. How it works: docs/simulation.md.
"""

import argparse
import json
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from capture import mount, photograph, wear
from damage import DAMAGE
from emulsion import add_grain, expose, film
from PIL import Image
from real import damaged, encode, negative_from
from scenes import draw
from scipy import ndimage
from sight import placed, plain
from tqdm import tqdm

DEFECTS = ("noise", "blank_area", "colour_patches", "holes", "residual_spots", "dye_removal")
SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
GRID = 16  # cells of the coarse damage maps, a side
LONG_SIDE = 576  # pixels of the simulated frame
THIN = 0.15  # D from the 5 % to the 95 % point; an underexposed frame below it cannot be read
DRAWN = 0.15  # share of drawn scenes beside photographs
REAL = 0.25  # share of real negatives, where there are any
STRIKING = ("noise", "holes")  # seen on the negative, whatever the positive shows: next to nothing, and bare light
SECOND = 0.2  # chance of a second kind of damage beside the first


@dataclass
class Frame:
    """What `metadata.jsonl` says of a picture. label: 1 readable, 0 damaged. severity: 0…3, of the worst defect.
    source: the photograph or scene; group: the same, never in two splits. pair: the number that twins share.
    defect_cells: (6, 16, 16) largest coverage in each cell, 0…1, less where the damage can hardly be seen."""

    file_name: str
    label: int
    severity: float
    source: str
    group: str
    seed: int
    pair: int
    noise: int = 0
    blank_area: int = 0
    colour_patches: int = 0
    holes: int = 0
    residual_spots: int = 0
    dye_removal: int = 0
    defect_cells: list = field(default_factory=list)


def plan(rng: np.random.Generator) -> dict[str, float]:
    """Which defects a damaged frame has, and how badly."""
    count = 2 if rng.random() < SECOND else 1
    kinds = [str(kind) for kind in rng.choice(DEFECTS, count, replace=False)]
    return {kind: float(rng.uniform(0.7, 3.0)) for kind in kinds}


def develop(scene: np.ndarray, wanted: dict[str, float], rng: np.random.Generator) -> tuple[bytes, np.ndarray]:
    """One negative of `scene` ((H, W, 3) sRGB 0…1) with the wanted damage, as far as that can be seen in it: its JPEG
    and (H, W, 6) visible coverage, all 0 for a kind that the scene hides.

    Film, damage, wear and camera draw from generators of their own, so that from the same `rng` other damage, or none,
    leaves all else as it was.
    """
    film_rng, damage_rng, wear_rng, camera_rng = rng.spawn(4)
    roll = film(film_rng)
    cast = film_rng.normal(0, 0.5, 3) * film_rng.choice([0.5, 1.5])
    stops = float(np.clip(film_rng.normal(0.1, 0.9), -2.2, 2.5))
    contrast = film_rng.uniform(0.85, 1.35)
    density = expose(scene, roll, stops, cast, contrast)
    coverage = np.zeros((*scene.shape[:2], len(DEFECTS)), np.float32)
    if "noise" in wanted:
        # Thinner by the severity: 5–95 % spans of .15 D at 0.7 down to .04 D at 3.
        goal = float(np.interp(wanted["noise"], [0.7, 2, 3], [THIN, 0.075, 0.04]))
        while stops > -9 and _span(expose(scene[::8, ::8], roll, stops, cast, contrast)) > goal:
            stops -= 0.25
        density = expose(scene, roll, stops, cast, contrast)
        roll = replace(roll, grain=roll.grain * damage_rng.uniform(1, 2))
        roll = replace(roll, grain_size=roll.grain_size * damage_rng.uniform(1, 2.5))
        coverage[..., DEFECTS.index("noise")] = 1
    density = add_grain(density, roll, film_rng)
    for kind, apply in DAMAGE.items():
        if kind in wanted:
            density, coverage[..., DEFECTS.index(kind)] = placed(apply, density, roll.base, wanted[kind], damage_rng)
    density = wear(density, roll.base, wear_rng)
    density, coverage = mount(density, roll.base, coverage, wear_rng)
    quarters, mirrored = int(wear_rng.choice(4, p=[0.7, 0.12, 0.06, 0.12])), wear_rng.random() < 0.15
    density, coverage = (np.rot90(a[:, ::-1] if mirrored else a, quarters) for a in (density, coverage))
    return photograph(np.ascontiguousarray(density), camera_rng), coverage


def _span(density: np.ndarray) -> float:
    low, high = np.percentile(density.reshape(-1, 3), (5, 95), axis=0)
    return float((high - low).mean())


def cells(coverage: np.ndarray) -> list:
    """(H, W, 6) coverage -> (6, 16, 16) nested lists of the largest in each cell, rounded to hundredths."""
    rows, columns = (np.linspace(0, n, GRID + 1).astype(int)[:-1] for n in coverage.shape[:2])
    largest = np.maximum.reduceat(np.maximum.reduceat(coverage, rows, axis=0), columns, axis=1)
    return [[[round(float(v), 2) for v in row] for row in kind] for kind in largest.transpose(2, 0, 1)]


def scene_from(path: Path, rng: np.random.Generator) -> np.ndarray:
    """A crop of a photograph, (H, W, 3) sRGB 0…1, `LONG_SIDE` long and of a frame's proportions."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    wide = rng.choice([3 / 2, rng.uniform(1.2, 1.6)])
    aspect = wide if width >= height else 1 / wide
    scale = rng.uniform(0.75, 1.0)
    crop_width = min(width, height * aspect) * scale
    crop_height = crop_width / aspect
    left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
    size = (LONG_SIDE, round(LONG_SIDE / aspect)) if aspect >= 1 else (round(LONG_SIDE * aspect), LONG_SIDE)
    box = (left, top, left + crop_width, top + crop_height)
    resized = picture.resize(size, Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        resized = resized.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scene = np.asarray(resized, np.float32) / 255
    if rng.random() < 0.1:  # out of focus, or moved: readable all the same
        across, along = rng.choice([0, rng.uniform(1, 5)]), rng.uniform(1, 7)
        scene = ndimage.gaussian_filter(scene, (across, along, 0))
    return scene


def _twins(
    source: str, photos: Path | None, negatives: Path | None, wanted: dict[str, float], seed: tuple[int, int]
) -> tuple[bytes, bytes, np.ndarray]:
    """The files of a frame with the wanted damage and of the same without, and where it is: (H, W, 6)."""
    scene_rng, _, film_rng = np.random.default_rng(seed).spawn(3)
    if source.startswith("real/"):
        density, inside = negative_from(negatives / source.removeprefix("real/"), LONG_SIDE)
        ruined, coverage = damaged(density, inside, wanted, DEFECTS, film_rng)
        return encode(ruined), encode(density), coverage
    scene = draw(scene_rng) if source.startswith("drawn/") else scene_from(photos / source, scene_rng)
    file, coverage = develop(scene, wanted, deepcopy(film_rng))
    return file, develop(scene, {}, film_rng)[0], coverage


def _make(
    pair: list[tuple[int, str, str]], out: Path, photos: Path | None, negatives: Path | None, seed: int
) -> list[Frame]:
    """Make and write a frame with damage and, where the pair has two, its twin. A kind that is neither `STRIKING`
    nor plain beside the twin is not damage."""
    number, split, source = pair[0]
    wanted = plan(np.random.default_rng((seed, number // 2)).spawn(3)[1])
    ruined, sound, coverage = _twins(source, photos, negatives, wanted, (seed, number // 2))
    coverage = coverage * (plain(sound, ruined, coverage) | np.isin(DEFECTS, STRIKING))
    seen = {kind: severity for kind, severity in wanted.items() if coverage[..., DEFECTS.index(kind)].any()}
    frames = []
    twins = zip(pair, (ruined, sound), (coverage, 0 * coverage), (seen, {}), strict=False)
    for (number, *_), file, where, kinds in twins:
        name = f"{number:06d}.jpg"
        (out / split / name).write_bytes(file)
        frames.append(
            Frame(
                name,
                int(not kinds),
                round(max(kinds.values(), default=0.0), 2),
                source,
                source,
                seed,
                number // 2,
                **dict.fromkeys(kinds, 1),
                defect_cells=cells(where),
            )
        )
    return frames


def jobs(photos: Path | None, negatives: Path | None, count: int, seed: int) -> list[tuple[int, str, str]]:
    """(number, split, source) of every frame, twins next to each other. A photograph's frames all go into one split."""
    rng = np.random.default_rng(seed)
    pairs = (count + 1) // 2
    real = round(pairs * REAL) if negatives else 0
    from_photos = round((pairs - real) * (1 - DRAWN)) if photos else 0
    planned = _dealt(_pictures(photos, rng), from_photos) if photos else []
    planned += _dealt([f"real/{name}" for name in _pictures(negatives, rng)], real) if negatives else []
    drawn = pairs - from_photos - real
    planned += _dealt([f"drawn/{i:06d}" for i in range(drawn)], drawn)
    return [(number, *planned[number // 2]) for number in range(count)]


def _pictures(folder: Path, rng: np.random.Generator) -> list[str]:
    """The JPEG and PNG files below a folder, shuffled."""
    found = sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")
    )
    if not found:
        raise FileNotFoundError(f"{folder}: no JPEG or PNG in this folder; give a folder of photographs")
    rng.shuffle(found)
    return found


def _dealt(sources: list[str], count: int) -> list[tuple[str, str]]:
    """(split, source), `count` times in turn; all of a source in one split."""
    ends = np.cumsum(list(SPLITS.values()))
    split = [list(SPLITS)[int(np.searchsorted(ends, (i + 0.5) / len(sources)))] for i in range(len(sources))]
    return [(split[i % len(sources)], sources[i % len(sources)]) for i in range(count)]


def simulate(
    out: Path, photos: Path | None = None, count: int = 600, seed: int = 0, negatives: Path | None = None
) -> Path:
    """Write `count` frames into out/{train,validation,test}, with a metadata.jsonl each. Returns `out`.

    Nothing is at `out` until all of it is. Raises FileExistsError when something is there
    already, FileNotFoundError when `photos` or `negatives` holds no picture. negatives: real ones, all readable.
    """
    if out.exists():
        raise FileExistsError(f"{out}: is there already; remove it or name another folder")
    todo = jobs(photos, negatives, count, seed)
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for split in SPLITS:
        (unfinished / split).mkdir(parents=True)
    pairs = [todo[k : k + 2] for k in range(0, count, 2)]
    make = partial(_make, out=unfinished, photos=photos, negatives=negatives, seed=seed)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = tqdm(pool.map(make, pairs, chunksize=4), total=len(pairs), desc="Simulating", unit="pair")
        frames = [frame for pair in made for frame in pair]
    for split in SPLITS:
        lines = [json.dumps(asdict(frame)) for frame, job in zip(frames, todo, strict=True) if job[1] == split]
        (unfinished / split / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    unfinished.rename(out)
    return out


def simulated(folder: Path) -> str:
    """The default data set, made at `folder` unless it is there."""
    return str(folder if folder.exists() else simulate(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument(
        "--photos", type=Path, help="folder of photographs (JPEG, PNG); without it all scenes are drawn"
    )
    parser.add_argument("--negatives", type=Path, help="folder of real, readable negatives (JPEG, PNG), to damage")
    parser.add_argument("--count", type=int, default=600, help="frames in all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        simulate(args.out, args.photos, args.count, args.seed, args.negatives)
    except (FileExistsError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
