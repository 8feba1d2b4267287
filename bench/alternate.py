"""Work measured against other work in one process, by turns, so that what else the machine does meets both alike."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict, dataclass
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the table. what: is measured, against what. value: the median, low and high: the quartiles, in
    `unit`; "×" is how many times as fast as what it is measured against. limit: the least that is wanted, or the most.
    """

    what: str
    against: str
    value: float
    low: float
    high: float
    unit: str
    limit: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the value is within its limit."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def cells(self) -> list[str]:
        """What stands in the table's columns."""
        spread = f"{self.low:.2f} … {self.high:.2f}" if self.low < self.high else ""
        wanted = f"{'≤' if self.at_most else '≥'} {self.limit:g} {self.unit}"
        word = "yes" if self.reached else "no"
        return [self.what, self.against, f"{self.value:.2f} {self.unit}", spread, wanted, word]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"reached": self.reached}


def by_turns(ours: Work, theirs: Work, rounds: int) -> list[tuple[float, float]]:
    """Seconds of each, round by round; the first round, in which libraries settle, does not count."""
    taken = [(seconds(ours), seconds(theirs)) for _ in range(rounds + 1)]
    return taken[1:]


def seconds(work: Work) -> float:
    """Seconds that work takes on the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def silent() -> Iterator[None]:
    """Without progress bars."""
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        yield


def compared(what: str, against: str, ours: Work, theirs: Work, limit: float, rounds: int) -> Row:
    """How many times as fast ours is as theirs: the median over rounds, with quartiles."""
    ratios = sorted(other / own for own, other in by_turns(ours, theirs, rounds))
    return Row(what, against, statistics.median(ratios), *quartiles(ratios), "×", limit)


def quartiles(values: list[float]) -> tuple[float, float]:
    """The first and the third."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else 3 * values
    return low, high


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = ["what", "against", "median", "quartiles", "wanted", "reached"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
