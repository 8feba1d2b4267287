"""The charts of a training report, each a PNG file drawn from recorded figures."""

import os
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")  # before pyplot: a training machine has no screen

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from learning.metrics import reliability

BLUE, ORANGE, GREEN, RED, GREY = "#2f6f9f", "#d9772b", "#3f8f5f", "#b23a48", "#8a8f98"
plt.rcParams.update(
    {
        "figure.dpi": 110,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "legend.frameon": False,
    }
)


def _write(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
    return path


def _epochs(axes, records: list[dict], lines: dict[str, tuple[str, str]]) -> None:
    epochs = [record["epoch"] for record in records]
    for key, (label, colour) in lines.items():
        axes.plot(epochs, [record[key] for record in records], "o-", ms=3, color=colour, label=label)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend()


def curves(records: list[dict], path: Path) -> Path:
    """Train loss, validation loss, accuracy and F1 over the epochs, in one picture."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    _epochs(left, records, {"train_loss": ("train loss", BLUE), "validation_loss": ("validation loss", ORANGE)})
    best = min(records, key=lambda record: record["validation_loss"])
    left.axvline(best["epoch"], color=GREY, ls=":", lw=1)
    left.set_ylim(bottom=0)
    _epochs(right, records, {"accuracy": ("validation accuracy", GREEN), "f1": ("validation F1 (normal)", RED)})
    right.axvline(best["epoch"], color=GREY, ls=":", lw=1)
    right.set_ylim(0, 1.02)
    return _write(figure, path)


def learning_rate(records: list[dict], path: Path) -> Path:
    """The learning rate of each epoch."""
    figure, axes = plt.subplots(figsize=(4.4, 2.8))
    _epochs(axes, records, {"learning_rate": ("learning rate", BLUE)})
    axes.set_yscale("log")
    return _write(figure, path)


def confusion(matrix: list[list[int]], title: str, path: Path) -> Path:
    """matrix: rows are the true label, columns the predicted one, abnormal before normal."""
    counts = np.asarray(matrix)
    figure, axes = plt.subplots(figsize=(2.5, 2.5))
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row in range(2):
        for column in range(2):
            axes.text(
                column,
                row,
                f"{counts[row, column]}\n{share[row, column]:.0%}",
                ha="center",
                va="center",
                color="white" if share[row, column] > 0.55 else "black",
            )
    axes.set_xticks([0, 1], ["abnormal", "normal"])
    axes.set_yticks([0, 1], ["abnormal", "normal"], rotation=90, va="center")
    axes.set_xlabel("called")
    axes.set_ylabel("label")
    axes.set_title(title, fontsize=9)
    axes.grid(False)
    return _write(figure, path)


def reliability_diagram(p: np.ndarray, y: np.ndarray, prior: float, path: Path) -> Path:
    """Predicted against observed share of normals, with the labels weighed to `prior`."""
    predicted, observed, weight = reliability(p, y, prior)
    figure, axes = plt.subplots(figsize=(3.6, 3.4))
    axes.plot([0, 1], [0, 1], color=GREY, lw=1)
    axes.plot(predicted, observed, color=BLUE, lw=1)
    axes.scatter(predicted, observed, s=20 + 300 * weight, color=BLUE, alpha=0.6, edgecolors="none")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="predicted P(normal)", ylabel="share that is normal")
    axes.set_aspect("equal")
    return _write(figure, path)


def coverage_risk(p: np.ndarray, y: np.ndarray, decided: np.ndarray, path: Path) -> Path:
    """Share of errors among the most confident fraction of the pictures; a cross marks the three verdicts.

    decided: (N,) bool, readable or damaged rather than check.
    """
    order = np.argsort(-np.maximum(p, 1 - p), kind="stable")
    wrong = ((p >= 0.5) != y)[order]
    coverage = np.arange(1, len(y) + 1) / len(y)
    figure, axes = plt.subplots(figsize=(4.2, 3.4))
    axes.plot(coverage, wrong.cumsum() / np.arange(1, len(y) + 1), color=BLUE, label="most confident first")
    if decided.any():
        risk = ((p >= 0.5) != y)[decided].mean()
        axes.plot(decided.mean(), risk, "x", color=RED, ms=9, mew=2, label="readable or damaged, not check")
    axes.set(xlim=(0, 1.03), ylim=(0, None), xlabel="coverage: share decided", ylabel="risk: share of these wrong")
    axes.legend()
    return _write(figure, path)


def mistakes(frames: list[tuple[str, dict[str, Image.Image]]], path: Path, beside: int = 1) -> Path:
    """The largest errors, `beside` in a row: negative, positive, where the model sees damage, under a caption.

    frames: the caption, and the pictures of `gallery.frame`.
    """
    rows = -(-len(frames) // beside)
    figure = plt.figure(figsize=(6.5 * beside, 2.1 * rows), layout="constrained")
    places = figure.subfigures(rows, beside, squeeze=False).flat
    for place, (words, pictures) in zip(places, frames, strict=False):
        place.suptitle(words, fontsize=10)
        for axis, kind in zip(place.subplots(1, len(pictures)), pictures, strict=True):
            axis.imshow(pictures[kind])
            axis.axis("off")
    return _write(figure, path)
