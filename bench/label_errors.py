"""How many wrong labels the audit finds: a simulated set with one label in ten flipped.

    python bench/label_errors.py                                    # simulates 600 drawn frames
    python bench/label_errors.py --frames data/other/test           # or a split that the weights never saw
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
from audit import audit
from simulate import simulate

FLIPPED = 0.1
SEED = 20  # of no set that the bundled weights were trained on


def spoil(frames: Path, out: Path) -> set[str]:
    """Copy a split into train/ and validation/ of `out` with labels flipped. Returns the names of the flipped."""
    records = [json.loads(line) for line in (frames / "metadata.jsonl").read_text().splitlines()]
    rng = np.random.default_rng(SEED)
    flipped = {records[i]["file_name"] for i in rng.choice(len(records), round(FLIPPED * len(records)), replace=False)}
    for record in records:
        record["label"] ^= record["file_name"] in flipped
    parts = {"train": records[::2], "validation": records[1::2]}
    for split, part in parts.items():
        (out / split).mkdir(parents=True)
        for record in part:
            shutil.copy(frames / record["file_name"], out / split)
        lines = [json.dumps({key: record[key] for key in ("file_name", "label", "group")}) for record in part]
        (out / split / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return flipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, help="split folder of a simulated set")
    parser.add_argument("--weights", help="default: the bundled model")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        frames = args.frames or simulate(place / "drawn", count=750, seed=SEED) / "train"
        flipped = spoil(frames, place / "data")
        found = audit(str(place / "data"), place / "out", args.weights)
    hits = found["file"].isin(flipped).sum()
    print(f"flipped {len(flipped)}, suspected {len(found)}, of which flipped {hits}")
    print(f"recall {hits / len(flipped):.2f}, precision {hits / max(len(found), 1):.2f}")


if __name__ == "__main__":
    main()
