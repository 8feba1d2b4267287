"""What a run says while it goes on: a bar with files a second, the time left and the counts, or lines of JSON."""

import json
import sys
import time
from collections import Counter
from typing import Any

from huggingface_hub.utils import tqdm

from ..taxonomy import VERDICTS
from .items import Item

EVERY = 1.0  # seconds between two lines of JSON


class Progress:
    """Says how far a run is. quiet: say nothing but the end. as_json: objects, a line each, on standard output."""

    def __init__(self, quiet: bool = False, as_json: bool = False):
        self.quiet, self.as_json = quiet, as_json
        self.counts: Counter[str] = Counter()
        self.bar: Any = None
        self.said = 0.0

    def note(self, sentence: str) -> None:
        """Something that a person should know."""
        self._line("note", {"note": sentence}, sentence)

    def start(self, total: int | None, left: int | None) -> None:
        """total: items on the list, None where they are not counted beforehand. left: of those to be judged now."""
        self.total, self.left, self.done, self.began = total, left, 0, time.monotonic()
        self.before = 0 if total is None or left is None else total - left
        if self.before:
            self.note(f"{self.before} of {total} files were judged before")
        shown = not self.quiet and not self.as_json
        self.bar = tqdm(total=total, initial=self.before, unit="file", disable=not shown, dynamic_ncols=True)

    def add(self, judged: list[tuple[Item, list[dict[str, Any]]]]) -> None:
        """Some items are done."""
        for _, frames in judged:
            for kept in frames:
                row = kept["row"]
                self.counts[row["verdict"] or ""] += 1
                if row["error"]:
                    self._line("error", {"file": row["file"], "error": row["error"]}, row["error"])
        self.done += len(judged)
        self.bar.set_postfix_str(", ".join(f"{self.counts[word]} {word}" for word in VERDICTS), refresh=False)
        self.bar.update(len(judged))
        now = time.monotonic()
        if self.as_json and (now - self.said >= EVERY or self.done == self.left):
            self.said = now
            self._print(self.state() | {"event": "progress"})

    def state(self) -> dict[str, Any]:
        """Counts of this run, files a second, seconds left."""
        speed = self.done / max(time.monotonic() - self.began, 1e-9)
        left = round((self.left - self.done) / speed) if speed and self.left is not None else None
        counts = {word: self.counts[word] for word in VERDICTS} | {"not_judged": self.counts[""]}
        files = {"files": self.before + self.done, "of": self.total}
        return files | {"files_a_second": round(speed, 2), "seconds_left": left} | counts

    def end(self) -> None:
        """Nothing is left to be judged, or the run breaks off."""
        if self.bar is not None:
            self.bar.close()

    def last(self, sentence: str, said: dict[str, Any]) -> None:
        """How it ended."""
        if self.as_json:
            self._print(said | {"event": "end"})
        elif not self.quiet:
            print(sentence, file=sys.stderr)

    def _line(self, event: str, said: dict[str, Any], sentence: str) -> None:
        if self.as_json:
            self._print(said | {"event": event})
        elif not self.quiet:
            line = " ".join(sentence.splitlines())  # a file's name may have a line break in it
            if self.bar is not None:
                self.bar.write(line, file=sys.stderr)
            else:
                print(line, file=sys.stderr)

    @staticmethod
    def _print(said: dict[str, Any]) -> None:
        print(json.dumps(said, ensure_ascii=False), flush=True)
