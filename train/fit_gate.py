"""Fit the gate of a model, which recognises pictures that are no colour negatives.

    python train/fit_gate.py data/simulated --photos photos --model space/weights

DATA is what `train/simulate.py` wrote: the negatives, readable and damaged. The other kinds are made from the
photographs, by `train/simulator/not_negatives.py`. A quarter of the folders of photographs, and the negatives
simulated from them, are kept out of the fit; on them it is counted how often each kind is recognised. The same command
fits the same numbers.
"""

import argparse
import json
import os
import sys
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

from darkroom.film.evidence import NOT_NEGATIVE_FROM
from darkroom.film.film import Film
from darkroom.film.gate import CLIPPED, PICTURE_KINDS, Gate
from darkroom.film.gate_features import gate_features, reduced
from darkroom.film.scan import Scan
from darkroom.taxonomy import display_name
from simulator.not_negatives import MAKERS
from simulator.rerender import relit, rerendered

SHARES = (0.40, 0.22, 0.22, 0.10, 0.06)  # of `PICTURE_KINDS` among the pictures
LONG_SIDE = 320  # pixels of a picture; `gate_features` sees fewer
HIDDEN, NETWORKS = 12, 4  # hidden units of a network; networks whose logits are averaged
RIDGE, STEPS = 1.5, 120


class Source(NamedTuple):
    """A file, what it was made from, and, of a negative, its label (1 readable, 0 damaged; -1 of a photograph)."""

    path: Path
    origin: str
    label: int

    @property
    def held_out(self) -> bool:
        """Whether its photographer or scene is held out for testing."""
        folder = str(Path(self.origin).parent)
        key = self.origin if folder in (".", "drawn") else folder
        return zlib.crc32(key.encode()) % 4 == 0


class Measured(NamedTuple):
    """One picture's features (2, T), as it is and in another light, its index into `PICTURE_KINDS`, and its source."""

    features: np.ndarray
    kind: int
    source: Source


def sources(data: Path, photos: Path) -> tuple[list[Source], list[Source]]:
    """The negatives and the photographs, each in a random order. Raises FileNotFoundError where there are none."""
    negatives = []
    for split in ("train", "validation", "test"):
        listed = data / split / "metadata.jsonl"
        rows = map(json.loads, listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else [])
        negatives += [Source(listed.parent / row["file_name"], row["source"], row["label"]) for row in rows]
    if not negatives:
        raise FileNotFoundError(f"{data}: no simulated negatives in it; make some with train/simulate.py")
    files = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise FileNotFoundError(f"{photos}: no JPEG or PNG in this folder; give a folder of photographs")
    pictures = [Source(path, str(path.relative_to(photos)), -1) for path in files]
    rng = np.random.default_rng(0)
    rng.shuffle(negatives)
    rng.shuffle(pictures)
    return negatives, pictures


def make(number: int, negatives: list[Source], photos: list[Source]) -> tuple[Scan, int, Source]:
    """Picture `number` as a scan, its index into `PICTURE_KINDS`, and its source; always the same."""
    rng = np.random.default_rng((0, number))
    kind = int(np.searchsorted(np.cumsum(SHARES), rng.random()))
    pool = photos if kind else negatives
    source = pool[number % len(pool)]
    with Image.open(source.path) as image:
        image.draft("RGB", (LONG_SIDE * 3 // 4, LONG_SIDE * 3 // 4))
        image = image.convert("RGB")
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.BILINEAR)
    picture = np.asarray(image, np.float32) / 255
    if kind:
        picture = MAKERS[kind - 1](picture, rng).astype(np.float32)
    return rerendered(picture, kind, rng), kind, source


def make_and_measure(number: int, negatives: list[Source], photos: list[Source]) -> Measured:
    """Make a picture and compute its features, as it is and relit."""
    scan, kind, source = make(number, negatives, photos)
    film = Film(scan)
    density, inside = reduced(film.density, film.inside)
    return Measured(both(density, inside, kind, number), kind, source)


def both(density: np.ndarray, inside: np.ndarray, kind: int, number: int) -> np.ndarray:
    """(2, T): the features of a film as `reduced` gives it, as it is and relit."""
    lights = density, relit(density, kind, np.random.default_rng((1, number)))
    return np.array([[*gate_features(light, inside).values()] for light in lights])


def fit(table: np.ndarray, kinds: np.ndarray) -> Gate:
    """The network for features (N, T) of pictures whose kinds (N,) are indices into `PICTURE_KINDS`.

    An ensemble of small networks equals one network with a wider hidden layer, whose logits are the mean of theirs.
    """
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-3)
    standardised = np.clip((table - mean) / scale, -CLIPPED, CLIPPED)
    found = []
    for seed in range(NETWORKS):
        one = MLPClassifier((HIDDEN,), alpha=RIDGE, max_iter=STEPS, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # the weight decay prevents overfitting, not convergence
            found.append(one.fit(standardised, kinds))
    return Gate(
        mean=mean,
        scale=scale,
        hidden=np.concatenate([one.coefs_[0] for one in found], axis=1),
        hidden_bias=np.concatenate([one.intercepts_[0] for one in found]),
        out=np.concatenate([one.coefs_[1] for one in found]) / NETWORKS,
        out_bias=np.mean([one.intercepts_[1] for one in found], axis=0),
    )


def summary(gate: Gate, pictures: list[Measured]) -> str:
    """The number of pictures, not relit, that the gate rejects as no colour negative, by kind and label."""
    groups: dict[str, list[bool]] = {}
    for picture in pictures:
        label = {1: ", readable", 0: ", damaged", -1: ""}[picture.source.label]
        called = 1 - gate.probabilities(picture.features[0])[PICTURE_KINDS.index("negative")] >= NOT_NEGATIVE_FROM
        groups.setdefault(display_name(PICTURE_KINDS[picture.kind]) + label, []).append(bool(called))
    return "\n".join(f"{name:20} {sum(called):5} of {len(called):5}" for name, called in sorted(groups.items()))


def write(gate: Gate, model: Path) -> None:
    """Write the gate into config.json in a model's folder, with four significant digits."""
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    four = np.vectorize(lambda v: float(f"{v:.4g}"))
    config["gate"] = {name: four(values).tolist() for name, values in vars(gate).items()}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="simulated negatives")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs (JPEG, PNG)")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model whose config.json gets the gate")
    parser.add_argument("--count", type=int, default=7200, help="pictures of all kinds together")
    args = parser.parse_args()
    try:
        negatives, photos = sources(args.data, args.photos)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    one = partial(make_and_measure, negatives=negatives, photos=photos)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(one, range(args.count), chunksize=8)
        pictures = list(tqdm(found, total=args.count, desc="Measuring", unit="picture"))
    fit_and_report(pictures, args.model)


def fit_and_report(pictures: list[Measured], model: Path) -> None:
    """Fit the gate, write it and print its errors on the held-out pictures."""
    kept = [picture for picture in pictures if not picture.source.held_out]
    table = np.concatenate([picture.features for picture in kept])
    gate = fit(table, np.repeat([picture.kind for picture in kept], 2))
    write(gate, model)
    print("Rejected as no colour negative, of the pictures that were held out:")
    print(summary(gate, [picture for picture in pictures if picture.source.held_out]))


if __name__ == "__main__":
    main()
