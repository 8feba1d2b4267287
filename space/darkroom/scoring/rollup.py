"""How much of each folder, and of all that lies below it, is damaged.

The share is not a count of verdicts. With a share d of a folder damaged, its frames have the likelihood
L(d) = Π (d · (1 − pᵢ) / (1 − π) + (1 − d) · pᵢ / π), where pᵢ is the probability that frame i is readable at the prior
π for which it was stated: what Saerens, Latinne and Decaestecker (2002) maximise to find the share of a class in new
data. Here every d from 0 to 1 is as likely beforehand, and the interval holds the middle 95 % of what is likely
afterwards. Frames of one folder are taken to be independent, which frames of one damaged film are not: the interval is
then too narrow.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from .journal import Journal

COLUMNS = ("folder", "frames", "readable", "damaged", "check", "not_judged", "share_damaged", "low", "high")
GRID = (np.arange(500) + 0.5) / 500  # shares that are weighed
CERTAIN = 1e-12  # a probability is kept so far from 0 and 1


class Folder(NamedTuple):
    """A folder while its frames are counted. counts: of readable, damaged, check, not judged. likely: (500,) log of the
    likelihood of each share."""

    parts: tuple[str, ...]
    counts: np.ndarray
    likely: np.ndarray

    def row(self) -> dict[str, Any]:
        """Of the table."""
        share, low, high = share_damaged(self.likely)
        known = bool(self.likely.any())
        numbers = (share, low, high) if known else (None, None, None)
        name = str(PurePosixPath(*self.parts)) if self.parts else "(all)"
        return dict(zip(COLUMNS, (name, int(self.counts.sum()), *map(int, self.counts), *numbers), strict=True))


def roll_up(journal: Journal, prior: float) -> Iterator[dict[str, Any]]:
    """A row for all frames together, and one for every folder that holds some, in it or below it, in their order."""
    # Folders sort before what is beside them only if no character of a name comes before the slash.
    order = "replace(rtrim(name, replace(name, '/', '')), '/', char(1)), place, number"
    rows, open_folders = [], [_new(())]
    for item, kept in journal.frames(order):
        parts = PurePosixPath(item.name).parts[:-1]
        while open_folders[-1].parts != parts[: len(open_folders[-1].parts)]:
            rows.append(_close(open_folders))
        while len(open_folders[-1].parts) < len(parts):
            open_folders.append(_new(parts[: len(open_folders[-1].parts) + 1]))
        row = kept["row"]
        word = ("readable", "damaged", "check").index(row["verdict"]) if row["verdict"] else 3
        open_folders[-1].counts[word] += 1
        if row["p_normal"] is not None:
            p = min(max(row["p_normal"], CERTAIN), 1 - CERTAIN)
            open_folders[-1].likely[:] += np.log(GRID * (1 - p) / (1 - prior) + (1 - GRID) * p / prior)
    while open_folders:
        rows.append(_close(open_folders))
    *inner, everything = rows
    inner.sort(key=lambda row: row["folder"].replace("/", "\x01"))
    # Of the folders that hold all there is, such as the disk's, only the innermost says something.
    above = sum(row["frames"] == everything["frames"] for row in inner) - 1
    yield from [everything, *inner[max(above, 0) :]]


def _new(parts: tuple[str, ...]) -> Folder:
    return Folder(parts, np.zeros(4, int), np.zeros(len(GRID)))


def _close(open_folders: list[Folder]) -> dict[str, Any]:
    """The innermost folder is done; what it holds counts for the one above it too."""
    done = open_folders.pop()
    if open_folders:
        open_folders[-1].counts[:] += done.counts
        open_folders[-1].likely[:] += done.likely
    return done.row()


def share_damaged(likely: np.ndarray) -> tuple[float, float, float]:
    """The expected share and the ends of the middle 95 %. likely: (500,) log of the likelihood of each share of
    `GRID`."""
    weight = np.exp(likely - likely.max())
    below = np.cumsum(weight) / weight.sum()
    ends = np.searchsorted(below, (0.025, 0.975)).clip(max=len(GRID) - 1)
    low, high = GRID[ends]
    return round(float((weight * GRID).sum() / weight.sum()), 4), round(float(low), 4), round(float(high), 4)
