"""Score an archive: list what is there, judge what no run has judged before, and write what was asked for.

loaded = model()
counts = Run(loaded, Judging(loaded.judge), Wanted(Path("verdicts.csv")), Progress(), ["scans"]).finish()
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from ..files.table import OutputError
from .items import Item, items_at
from .journal import Journal, Share
from .judging import Judging
from .manifest import Model, judge_name
from .pictures import FOLDER
from .progress import Progress
from .wanted import Wanted, write_all


class NothingThere(ValueError):
    """There is nothing to judge; the message says where."""


def run_folder(output: Path) -> Path:
    """Where a run keeps what it has done, beside the table that it writes."""
    return output.with_suffix(".run")


class Run:
    """What a run over an archive is asked for.

    paths: as for `items_at`. items: instead of `paths`, items that come from
    elsewhere, one after another, such as the pictures of a data set. checksum: whether files are told by the sum of
    their bytes instead of size and time.
    """

    def __init__(
        self,
        model: Model,
        judging: Judging,
        wanted: Wanted,
        progress: Progress,
        paths: Iterable[str] = (),
        items: Iterable[Item] | None = None,
        checksum: bool = False,
    ):
        self.model, self.judging, self.wanted, self.progress = model, judging, wanted, progress
        self.paths, self.items, self.checksum = list(paths), items, checksum
        self.folder = run_folder(wanted.output)
        if wanted.pictures:
            judging.pictures = self.folder / FOLDER

    def share(self, share: Share) -> Counter[str]:
        """Judge one share of the work, and write nothing but that down. Returns how many frames got which verdict; ""
        counts those that could not be judged."""
        return self._judge(share, again=True)

    def finish(self, again: bool = True) -> Counter[str]:
        """Judge all that is not judged yet, and write the table and what else is wanted. again: also what could not be
        judged in an earlier run. Returns the counts of all."""
        return self._judge(None, again)

    def _judge(self, share: Share | None, again: bool) -> Counter[str]:
        found = iter(items_at(self.paths, self.progress.note) if self.items is None else self.items)
        first = next(found, None)
        if first is None:
            raise NothingThere(" ".join(self.paths))
        try:
            with Journal(self.folder, judge_name(self.model, self.judging), share) as journal:
                for judged in self.judging.each(self._items(journal, chain([first], found), again)):
                    journal.record(judged)
                    self.progress.add(judged)
                journal.save()
                self.progress.end()
                if share is None:
                    return write_all(journal, self.model, self.judging, self.wanted, self.folder)
                return Counter(kept["row"]["verdict"] or "" for _, kept in journal.frames())
        except sqlite3.Error as error:
            what = f"{error}; make room or mend that disk, then run the same command again: what was judged is kept"
            raise OutputError(f"{self.folder}: {what}") from None
        finally:
            self.progress.end()

    def _items(self, journal: Journal, found: Iterable[Item], again: bool) -> Iterable[Item]:
        pictures = self.wanted.pictures
        if self.items is not None:
            self.progress.start(None, None)
            return journal.passing(found, pictures=pictures, again=again)
        total = journal.plan(found, self.checksum)
        self.progress.start(total, sum(1 for _ in journal.pending(pictures=pictures, again=again)))
        return journal.pending(pictures=pictures, again=again)
