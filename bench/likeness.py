"""Does the simulated film look like the real? Statistics of readable frames of both, side by side.

    python bench/likeness.py FOLDER SIMULATED        # FOLDER as for bench/real_film.py, SIMULATED as simulate.py makes

Printed are quantiles over frames. A line whose medians lie far apart says what the simulator gets wrong.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.preview import reduce  # noqa: E402
from darkroom.scan import log_density, open_scan, unit  # noqa: E402

MARGIN = 20  # part of each side that is left out, and most holders with it
LEAST_SPAN = 0.10  # log10 units; thinner channels are not stretched further
COUNT = 60  # simulated frames
QUANTILES = (10, 25, 50, 75, 90)
# Each channel over its own span, differences of colour doubled.
PLANES = ("grey", "blue–red", "green–magenta")


def statistics(path: Path) -> dict[str, float]:
    """Of one frame: density spans in log10 of the file's values; and in spans, of each of `PLANES`, its range, its
    texture in even and in usual places (5 × 5 pixels), and the log10 share of power above a quarter of the sampling
    rate."""
    rgb = unit(reduce(open_scan(path)))
    rows, columns = (n // MARGIN for n in rgb.shape[:2])
    density = log_density(rgb[rows:-rows, columns:-columns])
    low, middle, high = np.percentile(density, (10, 50, 90), axis=(0, 1))
    spans = high - low
    found = {
        "span": spans.mean(),
        "red span / mean": spans[0] / spans.mean(),
        "blue span / mean": spans[2] / spans.mean(),
    }
    red, green, blue = np.moveaxis((density - middle) / np.maximum(spans, LEAST_SPAN), -1, 0)
    planes = (red + green + blue) / 3, 2 * (blue - red), 2 * (green - (red + blue) / 2)
    for name, plane in zip(PLANES, planes, strict=True):
        variance = ndimage.uniform_filter(plane**2, 5) - ndimage.uniform_filter(plane, 5) ** 2
        texture = np.sqrt(np.maximum(variance, 0))
        power = np.abs(np.fft.fft2(plane - plane.mean())) ** 2
        fine = (
            np.hypot(*np.meshgrid(np.fft.fftfreq(plane.shape[0]), np.fft.fftfreq(plane.shape[1]), indexing="ij")) > 0.25
        )
        found[f"{name}: range"] = np.subtract(*np.percentile(plane, (90, 10)))
        found[f"{name}: texture, even places"] = np.percentile(texture, 10)
        found[f"{name}: texture, usual places"] = np.median(texture)
        found[f"{name}: log10 share of fine power"] = np.log10(power[fine].sum() / max(power.sum(), 1e-9) + 1e-6)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("simulated", type=Path)
    args = parser.parse_args()
    rows = csv.DictReader((args.folder / "labels.csv").open())
    real = [args.folder / row["file_name"] for row in rows if row["normal"] == "1"]
    split = args.simulated / "validation"
    frames = map(json.loads, (split / "metadata.jsonl").read_text().splitlines())
    simulated = [split / frame["file_name"] for frame in frames if frame["label"] == 1][:COUNT]
    groups = {
        name: [statistics(path) for path in tqdm(paths, desc=name, unit="frame")]
        for name, paths in (("real", real), ("simulated", simulated))
    }
    print(f"\n{'':44}" + "".join(f"{f'{q} %':>9}" for q in QUANTILES))
    for statistic in groups["real"][0]:
        for name, found in groups.items():
            values = np.percentile([one[statistic] for one in found], QUANTILES)
            print(f"{statistic if name == 'real' else '':34}{name:10}" + "".join(f"{value:9.3f}" for value in values))


if __name__ == "__main__":
    main()
