"""The sources of frames: photographs, drawn scenes, real negatives, real scans of damaged film; and their split."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from simulator.scenes import bright_sky, draw

SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
LONG_SIDE = 672  # pixels of the simulated frame
DRAWN = 0.15  # share of drawn scenes beside photographs
REAL = 0.25  # share of real negatives, where there are any
EXPOSURES = 8  # frames made of one scan of damaged film, each exposed and photographed anew
DAMAGED = 0.1  # share of all frames that these are at most
SKY = 0.08  # share of scenes under a bright sky
UNKNOWN = "unknown"  # folder of damaged scans whose kind of damage is unknown


@dataclass(frozen=True)
class Folders:
    """The folders of pictures, each optional. photos: photographs. negatives: real, readable ones. damaged: scans,
    positives, of damaged film, below a folder named by the kind or `UNKNOWN`. dust: outlines, as `dust.py` reads
    them. Below `negatives` and below a kind, a folder is a photographer, whose frames stay in one split."""

    photos: Path | None = None
    negatives: Path | None = None
    damaged: Path | None = None
    dust: Path | None = None


DRAWN_ALONE = Folders()


class Job(NamedTuple):
    """A frame to make. pair: twins share it. source: "drawn/…", "real/…", "damaged/KIND/…" or a photograph. group: is
    never in two splits."""

    number: int
    pair: int
    split: str
    source: str
    group: str


def jobs(folders: Folders, count: int, seed: int, kinds: tuple[str, ...]) -> list[Job]:
    """Every frame, twins next to each other. Raises FileNotFoundError for a folder without pictures or, below
    `damaged`, of another name than `kinds`."""
    rng = np.random.default_rng(seed)
    photos, negatives, damaged = (
        _pictures(folder, rng) if folder else [] for folder in (folders.photos, folders.negatives, folders.damaged)
    )
    for name in damaged:
        kind = Path(name).parts[0]
        if kind not in (*kinds, UNKNOWN):
            raise FileNotFoundError(
                f"{folders.damaged / name}: {kind!r} is no kind of damage; sort the scans into folders named "
                f"{', '.join(kinds)} or {UNKNOWN}"
            )
    real = {f"real/{name}": _group(f"real/{name}", name) for name in negatives}
    ruined = {f"damaged/{name}": _group(f"damaged/{name}", *Path(name).parts[1:]) for name in damaged}

    singles = min(EXPOSURES * len(ruined), round(count * DAMAGED))
    pairs = (count - singles + 1) // 2
    from_real = round(pairs * REAL) if real else 0
    from_photos = round((pairs - from_real) * (1 - DRAWN)) if photos else 0
    drawn = [f"drawn/{i:06d}" for i in range(pairs - from_real - from_photos)]
    split_of = _splits(photos[:from_photos]) | _splits(drawn)
    # Each by itself, so that all splits have some of both; a photographer who is in both keeps one split.
    split_of |= _splits(list(ruined.values())[:singles]) | _splits(list(real.values())[:from_real])
    twins = [*_in_turn(photos, from_photos), *_in_turn(list(real), from_real), *drawn]
    sources = [(k // 2, twins[k // 2]) for k in range(count - singles)]  # of an odd count the last frame has no twin
    sources += enumerate(_in_turn(list(ruined), singles), pairs)
    group_of = real | ruined
    return [
        Job(number, pair, split_of[group_of.get(source, source)], source, group_of.get(source, source))
        for number, (pair, source) in enumerate(sources)
    ]


def _group(source: str, *below: str) -> str:
    """The photographer's folder, or the picture itself where it lies in no folder."""
    parts = Path(*below).parts
    return parts[0] if len(parts) > 1 else source


def _pictures(folder: Path, rng: np.random.Generator) -> list[str]:
    """The JPEG and PNG files below a folder, shuffled."""
    found = sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")
    )
    if not found:
        raise FileNotFoundError(f"{folder}: no JPEG or PNG in this folder; give a folder of photographs")
    rng.shuffle(found)
    return found


def _splits(groups: list[str]) -> dict[str, str]:
    """The split of each group, in proportion to its number of pictures; `groups` names it once for each picture."""
    sizes = dict.fromkeys(groups, 0)
    for group in groups:
        sizes[group] += 1
    middles = (np.cumsum(list(sizes.values())) - np.array(list(sizes.values())) / 2) / max(1, len(groups))
    ends = np.cumsum(list(SPLITS.values()))
    return {group: list(SPLITS)[int(np.searchsorted(ends, m))] for group, m in zip(sizes, middles, strict=True)}


def _in_turn(sources: list[str], count: int) -> list[str]:
    return [sources[i % len(sources)] for i in range(count)]


def scene_for(source: str, folders: Folders, rng: np.random.Generator) -> np.ndarray:
    """The scene of a job that is not a real negative: (H, W, 3) sRGB 0…1."""
    if source.startswith("damaged/"):
        return _cropped(folders.damaged / source.removeprefix("damaged/"), rng, least=0.96)  # the damage stays in it
    if source.startswith("drawn/"):
        scene = draw(rng)
    else:
        scene = _cropped(folders.photos / source, rng)
        if rng.random() < 0.1:  # out of focus, or moved: readable all the same
            across, along = rng.choice([0, rng.uniform(1, 5)]), rng.uniform(1, 7)
            scene = ndimage.gaussian_filter(scene, (across, along, 0))
    return bright_sky(scene, rng) if rng.random() < SKY else scene


def _cropped(path: Path, rng: np.random.Generator, least: float = 0.75) -> np.ndarray:
    """A crop of a picture, (H, W, 3) sRGB 0…1, `LONG_SIDE` long and of a frame's proportions. least: size of the
    smallest crop, as a share of the largest possible."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    wide = rng.choice([3 / 2, rng.uniform(1.2, 1.6)])
    aspect = wide if width >= height else 1 / wide
    crop_width = min(width, height * aspect) * rng.uniform(least, 1.0)
    crop_height = crop_width / aspect
    left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
    size = (LONG_SIDE, round(LONG_SIDE / aspect)) if aspect >= 1 else (round(LONG_SIDE * aspect), LONG_SIDE)
    box = (left, top, left + crop_width, top + crop_height)
    resized = picture.resize(size, Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        resized = resized.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(resized, np.float32) / 255
