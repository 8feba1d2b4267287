"""What a photographer's 48 labelled frames give: training from nothing against continuing from a model.

    PYTHONPATH=train python bench/transfer.py                              # simulates frames of its own
    PYTHONPATH=train python bench/transfer.py --frames data/other/test     # or a split that the weights never saw

The same 48 pictures (32 to train on, 16 to choose by), the same test pictures, the command that a user would type.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
SEED = 20  # of no set that the bundled weights were trained on
OPTIONS = ["--batch-size", "16"]  # of the training, beside data and name
SIZES = {"train": 32, "validation": 16, "test": 300}  # the last as far as the photographs go


def deal(frames: Path, out: Path) -> None:
    """Copy a split into three smaller ones, each half readable and half damaged, with their labels alone.

    Of one photograph one frame is taken: what was trained on must not come back in the test.
    """
    records = [json.loads(line) for line in (frames / "metadata.jsonl").read_text().splitlines()]
    np.random.default_rng(SEED).shuffle(records)
    records = list({record["group"]: record for record in records}.values())
    piles = [[record for record in records if record["label"] == label] for label in (0, 1)]
    for split, size in SIZES.items():
        (out / split).mkdir(parents=True)
        taken = [pile.pop() for pile in piles for _ in range(min(size // 2, len(pile)))]
        for record in taken:
            shutil.copy(frames / record["file_name"], out / split)
        lines = [json.dumps({key: record[key] for key in ("file_name", "label")}) for record in taken]
        (out / split / "metadata.jsonl").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, help="split folder of a simulated set")
    parser.add_argument("--weights", default=str(ROOT / "space" / "weights"), help="model to continue from")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        frames = (args.frames or simulate(place / "drawn", count=480, seed=SEED) / "train").resolve()
        deal(frames, place / "few")
        for name, options in (("from nothing", []), ("continued", ["--init", str(Path(args.weights).resolve())])):
            run = name.replace(" ", "-")
            command = [sys.executable, str(ROOT / "train" / "run.py"), "--data", "few", "--name", run]
            subprocess.run([*command, *OPTIONS, *options], cwd=place, check=True, stdout=subprocess.DEVNULL)
            figures = json.loads((place / "runs" / run / "report.json").read_text())["figures"]
            low, high = figures["intervals"]["balanced_accuracy"]
            print(
                f"{name}: balanced accuracy {figures['balanced_accuracy']:.3f} ({low:.3f} … {high:.3f}), "
                f"AUROC {figures['auroc']:.3f} on {figures['count']} frames",
                flush=True,
            )


if __name__ == "__main__":
    main()
