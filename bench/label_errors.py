"""How many wrong labels the audit finds: a simulated set, one label in ten flipped, again and again.

    PYTHONPATH=train python bench/label_errors.py                            # simulates 750 drawn frames
    PYTHONPATH=train python bench/label_errors.py --data data/other          # or a set that the weights never saw

Prints, for growing parts of the set, the median of recall and precision over the draws, with the lowest and highest.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from audit import group_numbers, issues, listed_with_features, out_of_sample
from darkroom.judge.verdict import load as load_judge
from learning.dataset import open_dataset
from simulate import simulate

FLIPPED = 0.1
DRAWS = 9
SIZES = (250, 500, 1000, 2000, 4000)  # as many of them as there are frames, and then all


def draw(x: np.ndarray, labels: np.ndarray, groups: np.ndarray, size: int, seed: int) -> tuple[float, float, float]:
    """Recall and precision of the suspects among `size` frames, and AUROC of the fitted probabilities."""
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.permutation(groups.max() + 1)[groups], kind="stable")  # whole groups, in another order
    part = order[:size]
    flipped = rng.choice(size, round(FLIPPED * size), replace=False)
    given = labels[part].copy()
    given[flipped] ^= 1
    p = out_of_sample(x[part], given, groups[part])
    found = issues(given, p)
    hits = np.isin(found, flipped).sum()
    return hits / len(flipped), hits / max(len(found), 1), roc_auc_score(labels[part], p[:, 1])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="simulated set with splits")
    parser.add_argument("--weights", help="default: the bundled model")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn"
        data = open_dataset(args.data or str(simulate(drawn, count=750, seed=20)))  # a seed of no training set
        listed, x = listed_with_features(data, load_judge(args.weights))
    labels, groups = listed["normal"].to_numpy(), group_numbers(listed)
    for size in (*(size for size in SIZES if size < len(labels)), len(labels)):
        recall, precision, auroc = zip(*(draw(x, labels, groups, size, seed) for seed in range(DRAWS)), strict=True)
        said = (
            f"{name} {np.median(each):.2f} ({min(each):.2f} … {max(each):.2f})"
            for name, each in (("recall", recall), ("precision", precision))
        )
        print(f"{size} frames: {', '.join(said)}, AUROC of the folds {np.median(auroc):.3f}", flush=True)


if __name__ == "__main__":
    main()
