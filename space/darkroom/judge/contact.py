"""A contact sheet as a file, to be archived with the sleeve: A4 at 300 dpi, PDF with all its pages or a JPEG a page.

with ContactSheet(Path("roll.pdf"), "Roll 12") as sheet:
    for frame in frames:
        sheet.add(frame.row(), frame.thumbnail)
sheet.files                                 # what was written
"""

import io
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from ..taxonomy import DEFECTS, VERDICTS, display_name
from .lettering import Lettering
from .record import SHOWN_FROM
from .roll import SPOKEN, by_number

SUFFIXES = (".pdf", ".jpg", ".jpeg")
DPI = 300
COLUMNS, ROWS = 6, 6
EACH = COLUMNS * ROWS  # on a page: a film of 36
PAPER, INK, SOFT, LINE = "#ffffff", "#1b1a18", "#5b5852", "#dbd8d2"
COLOURS = {"readable": "#1c6b3c", "check": "#845300", "damaged": "#b3261e", "error": "#5b5852"}  # as on the page


def mm(length: float) -> int:
    """Millimetres in pixels."""
    return round(length / 25.4 * DPI)


WIDTH, HEIGHT, MARGIN, HEADER = mm(210), mm(297), mm(10), mm(21)
GAP = mm(2)
SIDE = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS  # of the square that a frame has; 30 mm
STEP = (HEIGHT - 2 * MARGIN - HEADER) // ROWS  # from row to row
BORDER = mm(0.7)


@dataclass(frozen=True)
class Entry:
    """A frame of the sheet. word: its verdict, or "error". said: what stands below that. at, size: of its picture in
    the spool, a JPEG; size 0 where there is none."""

    name: str
    word: str
    said: str
    at: int
    size: int


class ContactSheet:
    """Collects frames and, when the `with` block ends well, writes them in the order of their names, frame 2 before
    frame 10; their small pictures wait in a file without a name, so that memory holds one page however many there are.

    path: .pdf, or .jpg, which gives a file a page: roll.jpg, or roll-1.jpg, roll-2.jpg… title: what the header says.
    files: what was written. Raises ValueError for another suffix, OSError where it cannot be written.
    """

    def __init__(self, path: Path, title: str):
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(f"{path}: contact sheets are written as {', '.join(SUFFIXES)}; name the file so")
        self.path, self.title = path, title.encode("utf-8", "replace").decode()  # a folder may be called anything
        self.files: list[Path] = []
        self.entries: list[Entry] = []

    def __enter__(self) -> "ContactSheet":
        self.spool = tempfile.TemporaryFile()
        return self

    def add(self, row: dict[str, Any], thumbnail: bytes) -> None:
        """row: the columns of a verdicts file. thumbnail: a small JPEG of the positive, empty where there is none."""
        at = self.spool.seek(0, io.SEEK_END)
        self.spool.write(thumbnail)
        self.entries.append(Entry(row["file"], row["verdict"] or "error", _said(row), at, len(thumbnail)))

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._write()
        except OSError as failed:
            raise OSError(failed.errno, failed.strerror, str(self.path)) from failed
        finally:
            self.spool.close()

    def _write(self) -> None:
        self.entries.sort(key=lambda entry: by_number(entry.name))
        count = max(1, -(-len(self.entries) // EACH))
        part = self.path.with_name(f".{self.path.stem}.{os.getpid()}{self.path.suffix}")
        page, pdf = Image.new("RGB", (WIDTH, HEIGHT)), self.path.suffix.lower() == ".pdf"
        try:
            for number in range(count):
                self._draw(page, number, count)
                if pdf:
                    page.save(part, "PDF", append=number > 0, title=self.title, resolution=DPI, quality=90)
                    continue
                page.save(part, "JPEG", dpi=(DPI, DPI), quality=92, subsampling=0)
                numbered = self.path.with_stem(f"{self.path.stem}-{number + 1}") if count > 1 else self.path
                os.replace(part, numbered)
                self.files.append(numbered)
            if pdf:
                os.replace(part, self.path)
                self.files.append(self.path)
        finally:
            part.unlink(missing_ok=True)

    def _draw(self, page: Image.Image, number: int, count: int) -> None:
        """Page `number` of `count`, from 0, in place of what was on it."""
        page.paste(PAPER, (0, 0, WIDTH, HEIGHT))
        draw = ImageDraw.Draw(page)
        self._header(draw, number, count)
        for place, entry in enumerate(self.entries[number * EACH : (number + 1) * EACH]):
            row, column = divmod(place, COLUMNS)
            at = MARGIN + column * (SIDE + GAP), MARGIN + HEADER + row * STEP
            self._frame(page, draw, at, entry, number * EACH + place + 1)

    def _header(self, draw: ImageDraw.ImageDraw, number: int, count: int) -> None:
        counts = Counter(entry.word for entry in self.entries)
        frames = f"{len(self.entries)} frames" if len(self.entries) != 1 else "1 frame"
        right = date.today().isoformat() + (f"  ·  page {number + 1} of {count}" if count > 1 else "")
        small = Lettering(9.5)
        end = WIDTH - MARGIN - small.width(right)
        Lettering(16, bold=True).write(draw, (MARGIN, MARGIN), self.title, INK, end - MARGIN - GAP)
        small.write(draw, (end, MARGIN + mm(2)), right, SOFT)
        x, y = MARGIN, MARGIN + mm(10)
        x += small.write(draw, (x, y), frames, INK) + mm(5)
        for word in (*VERDICTS, "error"):
            if counts[word]:
                x += _dot(draw, (x, y + mm(0.6)), mm(2.6), COLOURS[word]) + mm(1.2)
                x += small.write(draw, (x, y), f"{counts[word]} {SPOKEN[word].lower()}", COLOURS[word]) + mm(5)
        line = MARGIN + mm(17)
        draw.line([(MARGIN, line), (WIDTH - MARGIN, line)], LINE, mm(0.3))

    def _frame(
        self, page: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], entry: Entry, number: int
    ) -> None:
        left, top = at
        colour = COLOURS[entry.word]
        if entry.size:
            self.spool.seek(entry.at)
            with Image.open(io.BytesIO(self.spool.read(entry.size)), formats=("JPEG",)) as picture:
                small = ImageOps.contain(picture.convert("RGB"), (SIDE - 2 * BORDER,) * 2, Image.Resampling.LANCZOS)
        else:
            small = _blank(entry.said)
        across, down = small.width + 2 * BORDER, small.height + 2 * BORDER
        x, y = left + (SIDE - across) // 2, top + SIDE - down  # all stand on the line of their names
        draw.rectangle([x, y, x + across - 1, y + down - 1], colour)
        page.paste(small, (x + BORDER, y + BORDER))
        name, word, less = Lettering(7.5), Lettering(7.5, bold=True), Lettering(6.5)
        y = top + SIDE + mm(0.8)
        shown = left + name.write(draw, (left, y), f"{number}", INK) + mm(1.2)
        name.write(draw, (shown, y), PurePosixPath(entry.name).name, SOFT, left + SIDE - shown)
        y += mm(3.2)
        shown = left + _dot(draw, (left, y + mm(0.5)), mm(2), colour) + mm(0.8)
        word.write(draw, (shown, y), SPOKEN[entry.word], colour, left + SIDE - shown)
        if entry.size:
            less.write(draw, (left, y + mm(3.2)), entry.said, SOFT, SIDE)


def _blank(said: str) -> Image.Image:
    """In place of a picture that could not be opened: why."""
    blank, less = Image.new("RGB", (SIDE - 2 * BORDER, SIDE * 2 // 3), LINE), Lettering(6.5)
    for i, line in enumerate(less.lines(said, blank.width - 2 * mm(1), 6)):
        less.write(ImageDraw.Draw(blank), (mm(1), mm(1 + 3 * i)), line, INK)
    return blank


def _dot(draw: ImageDraw.ImageDraw, at: tuple[int, int], size: int, colour: str) -> int:
    draw.ellipse([*at, at[0] + size, at[1] + size], colour)
    return size


def zipped(files: Sequence[Path]) -> Path:
    """Several files as one ZIP beside them."""
    target = files[0].with_name("contact-sheet.zip")
    with zipfile.ZipFile(target, "w") as archive:  # JPEG does not get smaller
        for file in files:
            archive.write(file, file.name)
    return target


def _said(row: dict[str, Any]) -> str:
    """How sure the verdict is, and of what kinds the damage; or why there is none."""
    if row["error"]:
        return row["error"].removeprefix(f"{row['file']}: ")
    if row["not_negative"]:
        return "no colour negative"
    side = (" readable" if row["p_normal"] >= 0.5 else " damaged") if row["verdict"] == "check" else ""
    kinds = [name for name in DEFECTS if (row[name] or 0) >= SHOWN_FROM] if row["verdict"] != "readable" else []
    kinds.sort(key=row.__getitem__, reverse=True)
    return ", ".join([f"{row['confidence']:.0%}{side}", *map(display_name, kinds)])
