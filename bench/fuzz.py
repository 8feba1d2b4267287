"""Broken and hostile files: each must end in a verdict or in one sentence, in bounded time and memory.

python bench/fuzz.py             # 2,000 cases, or --cases N; prints the slowest, the largest and what went wrong

Hypothesis draws the files (`hostile`) and shrinks those that fail; `isolated` judges them in a process of their own.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Flaky

import hostile
from isolated import Outcome, Worker


class WrongError(Exception):
    """A case did not end as it should."""


@dataclass
class Found:
    """Of all cases: how many, the slowest and the largest by what they were, and what went wrong with the smallest file
    that does it."""

    cases: int = 0
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")
    wrong: dict[str, hostile.Case] = field(default_factory=dict)

    def note(self, case: hostile.Case, outcome: Outcome) -> None:
        """Count a case."""
        self.cases += 1
        self.slowest = max(self.slowest, (outcome.seconds / max(len(outcome.said), 1), case.label))
        self.largest = max(self.largest, (outcome.gigabytes, case.label))


def search(worker: Worker, count: int, start: int = 0) -> Found:
    """Judge `count` cases. One that fails is shrunk; what else fails in the same way is counted and let pass."""
    found = Found()
    while found.cases < count and until_wrong(worker, found, count - found.cases, start + len(found.wrong)):
        pass
    return found


def until_wrong(worker: Worker, found: Found, count: int, start: int) -> bool:
    """Judge at most `count` cases, up to one that fails in a new way, and shrink that. Whether there was one."""
    failing: list[hostile.Case] = []
    wrong = ""

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
    )
    @given(hostile.cases())
    def each(case: hostile.Case) -> None:
        nonlocal wrong
        outcome = worker.judge(case)
        if not wrong:
            found.note(case, outcome)
            wrong = outcome.wrong if outcome.wrong not in found.wrong else ""
        if wrong and outcome.wrong == wrong:
            failing.append(case)
            raise WrongError

    try:
        each()
    except (WrongError, Flaky):
        found.wrong[wrong] = failing[-1]
    return bool(wrong)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    worker = Worker()
    found = search(worker, args.cases, args.seed)
    worker.stop()
    (slow, slowest), (large, largest) = found.slowest, found.largest
    unforeseen = sum(not wrong.startswith("too") for wrong in found.wrong)
    print(f"{found.cases} cases; {unforeseen} unforeseen exceptions")
    print(f"slowest: {slow:.2f} s a frame ({slowest})\nlargest: {large:.2f} GB ({largest})")
    if found.wrong:
        folder = Path(tempfile.mkdtemp(prefix="darkroom-fuzz-"))
        for i, (wrong, case) in enumerate(found.wrong.items()):
            (folder / f"{i}.{case.suffix}").write_bytes(case.data)
            print(f"{wrong}: {folder / f'{i}.{case.suffix}'} ({case.label})")
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
