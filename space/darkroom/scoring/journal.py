"""What a run has done so far, kept in an SQLite file so that a kill, a power cut or a full disk costs a second at most.

    with Journal(folder, judge="…") as journal:
        journal.plan(items)
        for item in journal.pending(): ...          # what no earlier run has judged as it is now
            journal.record([(item, frames)])
        for frame in journal.frames(): ...          # the rows of all items, in the order of the list

A transaction is written whole or not at all. SQLite's locks refuse a second run on the same folder; processes that
share the work have a file each, which the run that follows takes in.
"""

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ..files.table import OutputError
from .items import Item, marked

NAME = "journal.sqlite"
PAGE = 1000  # items that are read ahead of those who judge them
EVERY = 1.0  # seconds after which what was done goes to the disk, which may take a tenth of that
# Of every frame: the judge that it was shown to (model, prior and so on), its item and place in it, the item's mark,
# whether it could not be judged, and all that is kept of it as JSON.
SCHEMA = """CREATE TABLE IF NOT EXISTS frames (
    judge TEXT, key BLOB, number INTEGER, mark TEXT, failed INTEGER, kept TEXT, PRIMARY KEY (judge, key, number)
) WITHOUT ROWID"""
# What this run is asked for. It is in no file: who runs again asks again.
LIST = """CREATE TEMP TABLE list (place INTEGER PRIMARY KEY, file BLOB UNIQUE, name TEXT, key BLOB, path BLOB,
    error TEXT, member INTEGER, infrared BLOB, mark TEXT)"""


@dataclass(frozen=True)
class Share:
    """Which part of the items a process has: number `index`, from 0, of `count`."""

    index: int
    count: int

    def has(self, item: Item) -> bool:
        """Whether an item is in it; the same whatever else is in the list."""
        return zlib.crc32(item.key) % self.count == self.index


class Busy(OutputError):
    """Another run works on the same folder."""


class Journal:
    """Open in a `with` block. folder: where it lies; made. judge: names model and settings; the frames that another
    judge has seen are kept and not looked at. share: the part of the work that is done here, None for all of it.

    Raises Busy where another run is at work, and `sqlite3.Error` where the disk is full or broken.
    """

    def __init__(self, folder: Path, judge: str, share: Share | None = None):
        self.folder, self.judge, self.share = folder, judge, share

    def __enter__(self) -> "Journal":
        self.folder.mkdir(exist_ok=True)
        main = self.folder / NAME
        self.others: sqlite3.Connection | None = None
        if self.share:
            # Reading keeps the whole run out, and other shares in.
            self.others = _connected(main, wait=10)
            self.others.execute(SCHEMA)
            self._try(self.others, "BEGIN", "SELECT count(*) FROM (SELECT 1 FROM frames LIMIT 1)")
            main = self.folder / f"share-{self.share.index}-of-{self.share.count}.sqlite"
        self.db, self.saved = _connected(main), time.monotonic()
        self._try(self.db, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", SCHEMA, "COMMIT", LIST)
        if not self.share:
            self._take_in()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.save()
        finally:
            self.db.close()
            if self.others:
                self.others.close()

    def _try(self, db: sqlite3.Connection, *commands: str) -> None:
        try:
            for command in commands:
                db.execute(command).fetchall()
        except sqlite3.OperationalError as error:
            db.close()
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Busy(
                    f"{self.folder}: another run is at work on this; wait for it, or name another output"
                ) from None
            raise

    def _take_in(self) -> None:
        """What the processes did that shared the work, whether or not they came to its end."""
        for path in sorted(self.folder.glob("share-*-of-*.sqlite")):
            self.db.execute("ATTACH ? AS share", (str(path),))
            has = self.db.execute("SELECT 1 FROM share.sqlite_master WHERE name = 'frames'").fetchone()
            if has:
                self.db.execute("BEGIN")
                self.db.execute("DELETE FROM frames WHERE (judge, key) IN (SELECT judge, key FROM share.frames)")
                self.db.execute("INSERT INTO main.frames SELECT * FROM share.frames")
                self.db.execute("COMMIT")
            self.db.execute("DETACH share")
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # of a share that was killed; it is undone
            path.unlink()

    def plan(self, items: Iterable[Item], checksum: bool = False) -> int:
        """Note what is to be judged, each file once; returns how many items there are in this share of the work."""
        self.db.execute("BEGIN")
        for item in items:
            if not self.share or self.share.has(item):
                self._note(marked(item, checksum))
        self.save()
        return self.db.execute("SELECT count(*) FROM list").fetchone()[0]

    def _note(self, item: Item) -> bool:
        """Whether an item was not on the list; it is now."""
        file = item.key if item.path is None else os.path.abspath(item.path) + b"\0%d" % item.member
        values = (file, *item[:-1])
        return self.db.execute("INSERT OR IGNORE INTO list VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", values).rowcount > 0

    def passing(self, items: Iterable[Item], *, pictures: bool = False, again: bool = True) -> Iterator[Item]:
        """As `plan` and `pending` at once, for items that carry their bytes and pass by only once."""
        for item in items:
            if (not self.share or self.share.has(item)) and self._note(item) and not self._done(item, pictures, again):
                yield item

    def pending(self, *, pictures: bool = False, again: bool = True) -> Iterator[Item]:
        """The items of which there are no frames as they are now, and `again` those that an earlier run could not
        judge. pictures: frames without a small picture do not count."""
        place = 0
        while True:
            page = self.db.execute(
                f"SELECT place, {', '.join(Item._fields[:-1])} FROM list WHERE place > ? ORDER BY place LIMIT ?",
                (place, PAGE),
            ).fetchall()
            if not page:
                return
            place = page[-1][0]
            for _, *columns in page:
                item = Item(*columns)
                if not self._done(item, pictures, again):
                    yield item

    def _done(self, item: Item, pictures: bool, again: bool) -> bool:
        asked = "SELECT mark, failed, kept FROM frames WHERE judge = ? AND key = ?"
        for db in filter(None, (self.db, self.others)):
            frames = db.execute(asked, (self.judge, item.key)).fetchall()
            if frames and all(
                mark == item.mark and not (failed and again) and (failed or not pictures or json.loads(kept)["picture"])
                for mark, failed, kept in frames
            ):
                return True
        return False

    def record(self, judged: Iterable[tuple[Item, list[dict[str, Any]]]]) -> None:
        """Keep the frames of some items, in place of what was kept of them; on disk within `EVERY` seconds, or when the
        block ends, whatever ends it. Each frame is plain JSON and has a "row" and a "picture"."""
        for item, frames in judged:
            if not self.db.in_transaction:
                self.db.execute("BEGIN")
            self.db.execute("SAVEPOINT item")
            try:
                self.db.execute("DELETE FROM frames WHERE judge = ? AND key = ?", (self.judge, item.key))
                self.db.executemany(
                    "INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (self.judge, item.key, n, item.mark, bool(kept["row"]["error"]), json.dumps(kept))
                        for n, kept in enumerate(frames)
                    ],
                )
            except BaseException:  # also Ctrl-C: an item is kept with all of its frames or not at all
                if self.db.in_transaction:  # a full disk has ended it
                    self.db.execute("ROLLBACK TO item")
                raise
            self.db.execute("RELEASE item")
        if time.monotonic() - self.saved >= EVERY:
            self.save()

    def save(self) -> None:
        """Put what was kept on the disk."""
        if self.db.in_transaction:
            self.db.execute("COMMIT")
        self.saved = time.monotonic()

    def frames(self, order: str = "place, number") -> Iterator[tuple[Item, dict[str, Any]]]:
        """The frames of all items on the list with their items, in its order or in another."""
        columns = ", ".join(f"list.{name}" for name in Item._fields[:-1])
        found = self.db.execute(
            f"SELECT {columns}, kept FROM list JOIN frames ON frames.judge = ? AND frames.key = list.key"
            f" ORDER BY {order}",
            (self.judge,),
        )
        for columns_and_kept in found:
            yield Item(*columns_and_kept[:-1]), json.loads(columns_and_kept[-1])


def _connected(path: Path, wait: float = 0) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=wait, isolation_level=None)  # transactions begin and end where it is said here
