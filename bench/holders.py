"""Are readable frames still called readable in a holder, black or grey with the light falling on it?

    python bench/holders.py FOLDER [--weights WEIGHTS]

FOLDER holds `labels.csv` and the pictures it names, as for bench/real_film.py. Its readable frames are put behind a
window in a holder, which reaches over some sides of the picture or all (`composite.in_holder`).
"""

import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "space"), str(ROOT / "tests")]
import composite  # noqa: E402
from darkroom.calibration import VERDICTS  # noqa: E402
from darkroom.scan import open_scan  # noqa: E402
from real_film import asked  # noqa: E402

DENSITIES = (3.5, 2.6, 2.0, 1.6, 1.2)
SIDES = {"all four sides": "tblr", "above and below": "tb", "two that meet": "tl", "one": "t"}
QUALITY = 92  # of the JPEG
HIGHLIGHT = 99.9  # percentile of a linear scan that becomes white when it is coded


def coded(path: Path) -> np.ndarray:
    """A frame as a camera would have written it: (H, W, 3) coded in 0…1, at most some 1,200 pixels long."""
    scan = open_scan(path)
    rgb = composite.reduced(scan.rgb)
    if scan.bits == 8:
        return rgb
    return np.clip(rgb / np.percentile(rgb, HIGHLIGHT), 0, 1) ** (1 / composite.GAMMA)


def main() -> None:
    folder, rows, judge = asked(__doc__)
    readable = [folder / row["file_name"] for row in rows if row["normal"] == "1"]
    words = {}
    for path in tqdm(readable, desc="Frames in holders", unit="frame"):
        rgb = coded(path)
        made = {("none", 0.0): rgb} | {
            (sides, density): composite.in_holder(rgb, density, SIDES[sides], seed=7)
            for sides in SIDES
            for density in DENSITIES
        }
        scans = [open_scan(composite.jpeg(picture, QUALITY), path.name) for picture in made.values()]
        verdicts = judge.judge_batch(scans)
        for key, verdict in zip(made, verdicts, strict=True):
            words.setdefault(key, []).append(verdict.verdict)
    print(f"\n{len(readable)} readable frames in a holder, called {', '.join(VERDICTS)}")
    print(f"{'':18}" + "".join(f"{f'{density} D':>12}" for density in DENSITIES))
    for sides in SIDES:
        print(f"{sides:18}" + "".join(f"{_counts(words[sides, density]):>12}" for density in DENSITIES))
    print(f"{'without':18}{_counts(words['none', 0.0]):>12}")


def _counts(words: list[str]) -> str:
    return "  ".join(str(words.count(word)) for word in VERDICTS)


if __name__ == "__main__":
    main()
