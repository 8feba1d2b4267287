"""Who shares the work of a run."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from ..files.table import OutputError
from ..judge.verdict import Judge
from .items import Item
from .judging import Judging


class Alone:
    """The one process that does all the work; `train/score.py` has one for several that share it.

    index, count: which process this is, and of how many. device: where the network runs, None for the best there is.
    readers: threads that open files.
    """

    index, count = 0, 1
    device: torch.device | None = None

    @property
    def readers(self) -> int:
        """One a core that this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def first(self) -> AbstractContextManager[Any]:
        """Around what the first process does before the others: who comes first fills the Hub's cache for all."""
        return nullcontext()

    def items(self, paths: list[str], note: Callable[[str], object]) -> Iterable[Item] | None:
        """What is to be judged, where `items.items_at` does not know how to read it; else None.
        Raises OutputError where nothing here can."""
        for path in paths:
            if "://" in path:
                raise OutputError(f"{path}: data sets are read by train/score.py; give it the same words")
        return None

    def judging(self, judge: Judge, weights: str | None, prior: float, light: str) -> Judging:
        """What judges. weights: where the judge came from, for others to load it too."""
        return Judging(judge, prior, light, self.device, readers=self.readers)

    def wait(self) -> None:
        """Until all have come here."""
