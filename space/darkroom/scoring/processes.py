"""Who shares the work of a run."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from ..files.table import OutputError
from ..judge.prefetch import CORES
from ..judge.verdict import Judge
from .items import Item
from .judging import Judging

if TYPE_CHECKING:
    import torch


class Alone:
    """The one process that does all the work; `train/score.py` has one for several that share it.

    index, count: which process this is, and of how many. device: where the network runs, None for the best there is.
    readers: threads, which on a processor do all of it and else open files.
    """

    index, count = 0, 1
    device: "torch.device | None" = None

    @property
    def readers(self) -> int:
        """One a core that this process may use."""
        return CORES

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
