"""Does a person point at the damage that simulated frames are labelled with? Positives, to look at without labels.

    python bench/seen.py data/simulated sheets                      # nine numbered positives a sheet
    python bench/seen.py data/simulated sheets --seen 4 11 13       # the numbers of those in which damage was seen

Half of the frames have patches, spots or rubbed dye and are labelled so, a sixth have some that the label takes for
hidden, a third have none. Thin frames, holes and blank areas are left out: nobody overlooks them.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("space", "train")]
from darkroom.scan import invert, open_scan  # noqa: E402
from simulate import DEFECTS  # noqa: E402

KINDS = ("colour_patches", "residual_spots", "dye_removal")  # that may be overlooked
OVERLOOKED_BY_NOBODY = tuple(kind for kind in DEFECTS if kind not in KINDS)
SHOWN = {"labelled": 54, "hidden": 18, "undamaged": 36}
SEED = 0
BESIDE, WIDE, TALL, TITLE = 3, 360, 360, 14  # frames in a row of a sheet, and rows; pixels of each, and of its number


def shown(folder: Path) -> list[tuple[str, dict, Path]]:
    """What is looked at: (group, row of the metadata, file), of every pair of twins one at most, in a drawn order."""
    rng = np.random.default_rng(SEED)
    groups = {group: [] for group in SHOWN}
    for split in sorted(path.parent for path in folder.glob("*/metadata.jsonl")):
        rows = [json.loads(line) for line in (split / "metadata.jsonl").read_text().splitlines()]
        pairs = {}
        for row in sorted(rows, key=lambda row: row["file_name"]):
            pairs.setdefault(row["pair"], []).append((row, split / row["file_name"]))
        for (damaged, file), (sound, twin) in (twins for twins in pairs.values() if len(twins) == 2):
            group = "labelled" if not damaged["label"] else "hidden"
            if rng.random() < 0.5:
                groups["undamaged"].append((sound, twin))
            elif not any(damaged[kind] for kind in OVERLOOKED_BY_NOBODY) and file.read_bytes() != twin.read_bytes():
                groups[group].append((damaged, file))
    for group, count in SHOWN.items():
        if len(groups[group]) < count:
            raise ValueError(f"{folder}: {len(groups[group])} frames {group}, {count} are shown; simulate more")
    drawn = [
        (group, *groups[group][k])
        for group, count in SHOWN.items()
        for k in rng.choice(len(groups[group]), count, replace=False)
    ]
    return [drawn[k] for k in rng.permutation(len(drawn))]


def sheets(frames: list[tuple[str, dict, Path]], out: Path) -> None:
    """Write sheet_00.png … with every frame's positive under its number."""
    out.mkdir(parents=True, exist_ok=True)
    each = BESIDE**2
    for first in tqdm(range(0, len(frames), each), desc="Inverting", unit="sheet"):
        sheet = Image.new("RGB", (BESIDE * WIDE, BESIDE * (TALL + TITLE)), "grey")
        for k, (_, _, file) in enumerate(frames[first : first + each]):
            positive = Image.fromarray(np.rint(invert(open_scan(file).small) * 255).astype(np.uint8))
            positive.thumbnail((WIDE, TALL), Image.Resampling.LANCZOS)
            left, top = k % BESIDE * WIDE, k // BESIDE * (TALL + TITLE)
            sheet.paste(positive, (left, top + TITLE))
            ImageDraw.Draw(sheet).text((left + 2, top + 1), str(first + k), fill="yellow")
        sheet.save(out / f"sheet_{first // each:02d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that train/simulate.py wrote")
    parser.add_argument("sheets", type=Path, help="folder for the sheets")
    parser.add_argument("--seen", type=int, nargs="*", help="numbers of the frames in which damage was seen")
    args = parser.parse_args()
    try:
        frames = shown(args.data)
    except ValueError as error:
        sys.exit(str(error))
    if args.seen is None:
        sheets(frames, args.sheets)
        print(f"{len(frames)} positives: {args.sheets}. Note in which you see damage, and give --seen their numbers")
        return
    seen = np.isin(np.arange(len(frames)), args.seen)
    for group in SHOWN:
        there = np.array([group == each for each, _, _ in frames])
        print(f"{group}: damage seen in {seen[there].sum()} of {there.sum()}; not in {np.flatnonzero(there & ~seen)}")
    for kind in KINDS:
        there = np.array([row[kind] == 1 for _, row, _ in frames])
        print(f"{kind}: seen in {seen[there].sum()} of {there.sum()}")


if __name__ == "__main__":
    main()
