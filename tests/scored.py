"""Archives for the tests of scoring, and the tables made of them."""

import csv
from pathlib import Path

from darkroom import command
from film import eight_bit, frame, png


def small(seed: int, height: int = 96, width: int = 144) -> bytes:
    return png(eight_bit(frame(height, width, seed)))


def run(weights: Path, output: Path, *words: Path | str) -> int:
    return command.main(["score", *map(str, words), "--output", str(output), "--weights", str(weights), "--quiet"])


def read(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(path: Path, below: Path) -> list[str]:
    return [str(Path(row["file"]).relative_to(below)) for row in read(path)]
