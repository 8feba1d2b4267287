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
from darkroom.scan import SPANS_IN_RANGE, log_density, network_input, open_scan  # noqa: E402

SIZE, MARGIN = 488, 24  # pixels; the margin leaves most holders out
COUNT = 60  # simulated frames
QUANTILES = (10, 25, 50, 75, 90)
PLANES = ("grey", "blue–red", "green–magenta")  # of the network's input


def statistics(path: Path) -> dict[str, float]:
    """Of one frame: density spans in log10 of the file's values, and in spans, of each plane of the network's input,
    its range, its texture in even and in usual places (5 × 5 pixels), and the share of the spectrum's power above a
    quarter of the sampling rate."""
    rgb = open_scan(path).rgb
    height, width = rgb.shape[:2]
    inner = rgb[height // 20 : -(height // 20), width // 20 : -(width // 20)][::2, ::2]
    low, high = np.percentile(log_density(inner), (10, 90), axis=(0, 1))
    spans = high - low
    found = {
        "span": spans.mean(),
        "red span / mean": spans[0] / spans.mean(),
        "blue span / mean": spans[2] / spans.mean(),
    }
    coded = network_input(rgb, SIZE)[:, MARGIN:-MARGIN, MARGIN:-MARGIN].astype(float)
    planes = SPANS_IN_RANGE * np.arctanh(np.clip((coded - 127.5) / 127.5, -0.998, 0.998))
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
