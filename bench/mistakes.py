"""Draw the six largest mistakes of a model on drawn scenes: negative, positive, and where it sees damage.

    PYTHONPATH=train python bench/mistakes.py space/weights/mistakes.jpg

The scenes are drawn anew, so they are nobody's photographs, and no training set holds these.
"""

import argparse
import json
import tempfile
from pathlib import Path

from tqdm import tqdm

from darkroom.film.scan import open_scan
from darkroom.judge.calibration import logit
from darkroom.judge.verdict import Verdict, load
from darkroom.taxonomy import DEFECTS, display_name
from reporting import charts, gallery
from simulate import SPLITS, simulate

COUNT, SEED = 200, 31
SHOWN, BESIDE = 6, 2  # mistakes, and how many of them in a row


def error(row: dict, verdict: Verdict) -> float:
    """Log-odds of the wrong answer; above 0 it is the likelier one."""
    return float(logit(verdict.p_normal)) * (1 if row["label"] == 0 else -1)


def words(row: dict, verdict: Verdict) -> str:
    """What the frame is and what the model says of it."""
    truth = ", ".join(display_name(kind) for kind in DEFECTS if row[kind]) or "readable"
    severity = f" (severity {row['severity']:.1f})" if row["severity"] else ""
    likeliest = display_name(max(verdict.defects, key=verdict.defects.get))
    return f"{truth}{severity}; it says {verdict.p_normal:.0%} readable, likeliest {likeliest}"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path, help="the JPEG or PNG to write")
    parser.add_argument("--weights", help="folder or Hub id; the bundled ones if not given")
    args = parser.parse_args()
    judge = load(args.weights)
    with tempfile.TemporaryDirectory() as folder:
        made = simulate(Path(folder) / "drawn", count=COUNT, seed=SEED)
        found = []
        for split in SPLITS:
            for line in tqdm((made / split / "metadata.jsonl").read_text().splitlines(), desc=split, unit="frame"):
                row = json.loads(line)
                path = made / split / row["file_name"]
                found.append((row, path, judge.judge(open_scan(path))))
        found.sort(key=lambda one: -error(one[0], one[2]))
        largest = {}
        for one in found:
            largest.setdefault(one[0]["pair"], one)  # of twins the worse
        wrong = sum(error(row, verdict) > 0 for row, _, verdict in found)
        shown = [
            (words(row, verdict), gallery.frame(open_scan(path), verdict.heat))
            for row, path, verdict in [*largest.values()][:SHOWN]
        ]
        charts.mistakes(shown, args.picture, BESIDE)
    print(f"on the wrong side of one half: {wrong} of {len(found)}; the {SHOWN} largest: {args.picture}")


if __name__ == "__main__":
    main()
