"""Find label errors: pictures whose label contradicts a classifier trained on the rest of the data set.

    python train/audit.py data/mine runs/audit                                  # audit.html and audit.csv
    python train/audit.py data/mine runs/audit --corrected corrected.csv        # and a CSV with the suggestions taken

Every picture gets a cross-validated probability: a logistic regression in five folds over the outputs and features of
a trained network and measurements of the picture. Confident learning (Northcutt, Jiang and
Chuang 2021, `cleanlab`) then ranks the labels. The network must not have been trained on these labels; the bundled one
was not.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from cleanlab.filter import find_label_issues
from datasets import Dataset, DatasetDict, concatenate_datasets
from jinja2 import Environment, FileSystemLoader
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from torch.utils.data import DataLoader
from tqdm import tqdm

from darkroom.hub.weights import WeightsError
from darkroom.judge import verdict
from darkroom.judge.calibration import logit
from darkroom.judge.resnet import ResNet18, contrast, to_float
from darkroom.taxonomy import LABELS
from learning.dataset import SPLITS, DataError, collate, defect_columns, open_dataset, open_picture, prepare_dataset
from reporting import gallery

FOLDS = 5
STRENGTH = 0.2  # inverse of the ridge: hundreds of features meet hundreds of pictures


@torch.inference_mode()
def feature_matrix(judge: verdict.Judge, rows: Dataset) -> np.ndarray:
    """(N, F) features of each picture: the calibrated log-odds of its label and defects; the logits, peaks and
    measurements behind them; the pooled channels of the network.

    rows: as `dataset.prepare_dataset` gives them, with evidence. Each of the three blocks weighs as
    much as another, however many columns it has; every column is centred, and of one scale within its block.
    """
    model, parts = ResNet18.of(judge.model), []
    for batch in tqdm(DataLoader(rows, 1, collate_fn=collate), "Looking"):
        kept = {}
        with model.blocks.register_forward_hook(lambda *passed, kept=kept: kept.update(channels=passed[-1])):
            label, defects, maps = model(to_float(batch["pixels"]), batch["span"])
        pooled = label, defects, maps.amax((2, 3)), contrast(batch["span"])[:, None]
        parts.append([torch.cat(pooled, 1).numpy(), kept["channels"].mean((2, 3)).numpy()])
    table, channels = (np.concatenate(column) for column in zip(*parts, strict=True))
    known = len(model.labels) + len(model.defects)
    answers = judge.calibration.probabilities(model.defects, table[:, :2], table[:, 2:known])
    blocks = logit(np.stack([*answers.values()], axis=1)), table, channels
    scaled = [(x - x.mean(0)) / np.maximum(x.std(0), 1e-6) / x.shape[1] ** 0.5 for x in blocks]
    return np.concatenate(scaled, axis=1)


def listed_with_features(data: DatasetDict, judge: verdict.Judge) -> tuple[pd.DataFrame, np.ndarray]:
    """Every picture of every split: its row, as `train/data.py build` reads one, with its split; and the features,
    (N, F)."""
    splits = [split for split in SPLITS if split in data]
    ready = [prepare_dataset(data[split], judge.model.input_size) for split in splits]
    listed = pd.concat([_labels(data[split], split) for split in splits], ignore_index=True)
    return listed, feature_matrix(judge, concatenate_datasets(ready))


def group_numbers(listed: pd.DataFrame) -> np.ndarray:
    """(N,) int: the number of each picture's group, which is never split over folds."""
    return pd.factorize(listed.get("group", listed.index))[0]


def out_of_sample(x: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(N, 2) cross-validated probabilities of the labels; a group is in one fold."""
    classifier = LogisticRegression(C=STRENGTH, max_iter=2000)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    return cross_val_predict(classifier, x, labels, groups=groups, cv=folds, method="predict_proba")


def issues(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Indices of the labels that look wrong, worst first."""
    return find_label_issues(
        labels,
        probabilities,
        filter_by="confident_learning",  # fewer false alarms than pruning by the noise rate: bench/label_errors.py
        return_indices_ranked_by="self_confidence",
    )


def audit(source: str, out: Path, weights: str | None = None, corrected: Path | None = None) -> pd.DataFrame:
    """Audit every split of a data set. Writes out/audit.csv and out/audit.html, and `corrected` where it is given.

    Returns one row a suspect, worst first: file, split, label, suggested, score (probability of the given label).
    Raises DataError or WeightsError.
    """
    data = open_dataset(source)
    listed, x = listed_with_features(data, verdict.load(weights))
    labels = listed["normal"].to_numpy()
    p = out_of_sample(x, labels, group_numbers(listed))
    worst = issues(labels, p)

    suspects = listed.loc[worst, ["picture", "split"]].rename(columns={"picture": "file"})
    suspects["label"] = [LABELS[label] for label in labels[worst]]
    suspects["suggested"] = [LABELS[1 - label] for label in labels[worst]]
    suspects["score"] = p[worst, labels[worst]].round(4)
    first = {split: rows.index[0] for split, rows in listed.groupby("split")}
    shown = [
        {**row, **gallery.frame(open_picture(data[row["split"]][int(i - first[row["split"]])]["image"]))}
        for i, row in tqdm(suspects.iterrows(), "Drawing", len(suspects))
    ]
    try:
        out.mkdir(parents=True, exist_ok=True)
        suspects.to_csv(out / "audit.csv", index=False)
        templates = FileSystemLoader(Path(__file__).parent / "reporting")
        template = Environment(loader=templates, autoescape=True, trim_blocks=True).get_template("audit.html.jinja")
        page = template.render(suspects=shown, total=len(listed), source=source, uri=gallery.uri)
        (out / "audit.html").write_text(page, encoding="utf-8")
        if corrected:
            listed.loc[worst, "normal"] = 1 - labels[worst]
            listed.drop(columns="split").to_csv(corrected, index=False)
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be written ({error.strerror})") from None
    return suspects


def _labels(rows, split: str) -> pd.DataFrame:
    """The columns that `train/data.py build` reads, and the split."""
    kept = {"picture": rows["name"], "normal": rows["label"], "split": split}
    more = [column for column in (*defect_columns(rows), "group") if column in rows.column_names]
    return pd.DataFrame(kept | {column: rows[column] for column in more})


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="folder made by train/data.py, or a data set on the Hub")
    parser.add_argument("out", type=Path, help="folder for audit.html and audit.csv")
    parser.add_argument("--weights", help="folder or Hub id of a model that never saw these labels; default: bundled")
    parser.add_argument("--corrected", type=Path, help="CSV to write, with the suggested labels")
    args = parser.parse_args()
    try:
        suspects = audit(args.data, args.out, args.weights, args.corrected)
    except (DataError, WeightsError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(f"{len(suspects)} labels look wrong: {args.out / 'audit.html'}")


if __name__ == "__main__":
    main()
