"""How fast it is, against what it cannot be faster than and against what one would use instead: a table, and JSON.

make bench                                     # all of it: half an hour on a machine that does nothing else
make bench ARGS="--only verdict forward"       # some of it
make bench ARGS=--write                        # puts table, machine and date into docs/benchmarks.md
"""

import argparse
import json
import platform
import tempfile
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from alternate import Row, table
from comparisons import COMPARISONS, Bench
from darkroom.judge.prefetch import CORES
from darkroom.judge.verdict import load

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- make bench ARGS=--write: from here -->\n", "<!-- to here -->\n"
VERSIONS = ("ncnn", "onnxruntime", "torch", "torchvision", "transformers", "opencv-python-headless", "numpy", "pillow")


def machine() -> dict[str, str]:
    """What this was measured on."""
    names = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in names if line.startswith("model name")), platform.processor())
    found = {
        "date": date.today().isoformat(),
        "processor": f"{model}, {CORES} cores",
        "python": platform.python_version(),
    }
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a model's folder, or user/name[@revision] on the Hub; default: the bundled")
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=[*COMPARISONS], metavar="NAME")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="file to write; default: bench.json")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    args = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(load(args.weights), Path(folder), args.weights)
        for name in args.only:
            found = COMPARISONS[name](bench)
            print("\n".join(" | ".join(row.cells()) for row in found), flush=True)
            rows += found
    told = machine()
    args.json.write_text(json.dumps({"machine": told, "rows": [row.as_dict() for row in rows]}, indent=2) + "\n")
    text = f"{', '.join(f'{name} {value}' for name, value in told.items())}\n\n{table(rows)}\n"
    print(f"\n{text}")
    if args.write:
        before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
