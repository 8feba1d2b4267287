"""Items become rows: opened in threads, judged, each frame of each item by itself.

    judging = Judging(load(), prior=0.5)
    for item, frames in judging.each(items): ...

Threads do all of it on a processor, each with one core. With an accelerator they open and measure, and the network
takes what is ready in batches.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from ..files.archive import Member, extract, open_zip
from ..files.decode import ScanError
from ..files.frame_count import count_frames
from ..files.table import OutputError
from ..film.preview import reduce, thumbnail
from ..film.scan import Scan, open_scan
from ..frames.cut import cut
from ..judge.calibration import PRIOR
from ..judge.network import BATCH
from ..judge.prefetch import ahead
from ..judge.record import COLUMNS, Verdict
from ..judge.verdict import Judge, Prepared
from .items import Item, state
from .pictures import store

if TYPE_CHECKING:
    import torch

GROWING = "the file changed while it was read; run the same command again when it is whole"
ENDS = "; please report this file"


class Ready(NamedTuple):
    """A frame that was opened: with what the judge needs or, on a processor, with its verdict; or with the sentence
    that says what is wrong. picture: where its small picture lies, empty where none was wanted. shape: `shape_of`."""

    name: str
    prepared: Prepared | None = None
    verdict: Verdict | None = None
    error: str = ""
    picture: str = ""
    shape: str = ""


class Judging:
    """Judges items. prior, light: as for `Judge.judge` and `open_scan`. device: where the network runs; None is an
    accelerator if there is one. pictures: a folder for small pictures, if they are wanted. readers: threads."""

    def __init__(
        self,
        judge: Judge,
        prior: float = PRIOR,
        light: str = "auto",
        device: "torch.device | None" = None,
        pictures: Path | None = None,
        readers: int = 1,
    ):
        self.prior, self.light, self.pictures, self.readers = prior, light, pictures, readers
        if device is None and find_spec("torch"):
            from ..judge.accelerator import accelerator

            device = accelerator()
        self.in_threads = device is None or device.type == "cpu"
        if device and not self.in_threads:
            judge.accelerate(device)
        self.judge = judge.one_core

    def each(self, items: Iterable[Item]) -> Iterator[list[tuple[Item, list[dict[str, Any]]]]]:
        """The items with what is kept of their frames, in their order, a batch at a time. At most a few dozen frames
        are held, however many items there are."""
        opened = ahead(self.open, items, self.readers, self.readers + BATCH)
        while batch := list(islice(opened, 1 if self.in_threads else BATCH)):
            yield self.finish(batch)

    def open(self, item: Item) -> tuple[Item, list[Ready]]:
        """The item and its frames, opened. Raises OutputError where the small pictures cannot be written."""
        if item.error:
            return item, [Ready(item.name, error=item.error)]
        try:
            if item.data is not None:
                return item, list(self._frames(item, item.data, None))
            if item.member >= 0:
                with tempfile.TemporaryDirectory() as folder:
                    return item, list(self._frames(item, *_unpacked(item, Path(folder))))
            return self._file(item)
        except ScanError as error:
            return item, [Ready(item.name, error=str(error))]

    def _file(self, item: Item) -> tuple[Item, list[Ready]]:
        path = item.path or b""
        infrared = Path(os.fsdecode(item.infrared)) if item.infrared else None
        try:
            before = state(path)
            frames = list(self._frames(item, Path(os.fsdecode(path)), infrared))
            if state(path) != before:
                frames = [Ready(item.name, error=f"{item.name}: {GROWING}")]
        except OSError as error:
            return item, [Ready(item.name, error=f"{item.name}: cannot be read ({error.strerror}); check the disk")]
        return item, frames

    def _frames(self, item: Item, source: Path | bytes, infrared: Path | None) -> Iterator[Ready]:
        """Those of each page of a TIFF, and of each picture those that it shows."""
        count, made = count_frames(source), 0
        for number in range(count):
            name = f"{item.name}#{number + 1}" if count > 1 else item.name
            try:
                scans = cut(open_scan(source, name, number=number, light=self.light, infrared=infrared))
                while scans:  # one after another let go
                    yield self._ready(item, scans.pop(0), made)
                    made += 1
            except OutputError:
                raise
            except ScanError as error:
                yield Ready(name, error=str(error))
            except Exception as error:  # one odd file must not cost the verdicts on a whole archive
                what = f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace").decode()
                yield Ready(name, error=f"{name}: cannot be judged ({what}){ENDS}")

    def _ready(self, item: Item, scan: Scan, number: int) -> Ready:
        picture = store(self.pictures, item.key, number, thumbnail(reduce(scan, side=600))) if self.pictures else ""
        prepared = self.judge.prepare(scan)
        shape = "" if prepared.evidence.empty else shape_of(np.rot90(prepared.pixels, -prepared.turns, (1, 2)))
        if not self.in_threads:
            return Ready(scan.name, prepared, picture=picture, shape=shape)
        (verdict,) = self.judge.judge_prepared([prepared], self.prior)
        return Ready(scan.name, verdict=verdict, picture=picture, shape=shape)

    def finish(self, batch: list[tuple[Item, list[Ready]]]) -> list[tuple[Item, list[dict[str, Any]]]]:
        """What is kept of the frames of some items."""
        waiting = [ready.prepared for _, frames in batch for ready in frames if ready.prepared]
        verdicts = iter(self.judge.judge_prepared(waiting, self.prior))
        return [
            (item, [kept(ready, next(verdicts) if ready.prepared else ready.verdict) for ready in frames])
            for item, frames in batch
        ]


def kept(ready: Ready, verdict: Verdict | None) -> dict[str, Any]:
    """What is kept of a frame, as plain JSON: the row of the table, what a sidecar says, the place of its small
    picture, and `shape_of`."""
    if verdict is None:
        row = {**dict.fromkeys(COLUMNS), "file": ready.name, "error": ready.error}
        return {"row": row, "sidecar": None, "picture": "", "shape": ""}
    return {
        "row": verdict.row(),
        "sidecar": list(verdict.sidecar(ready.name))[1:],
        "picture": ready.picture,
        "shape": ready.shape,
    }


def shape_of(pixels: np.ndarray) -> str:
    """64 bits, as hexadecimal digits, that are nearly the same for two scans of one picture: whether each of 8 × 8
    cells is darker than the next to its right (the difference hash of N. Krawetz, 2013). pixels: (3, h, w) uint8."""
    grey = Image.fromarray(pixels.astype(np.float32).mean(axis=0))
    cells = np.asarray(grey.resize((9, 8), Image.Resampling.BOX))
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes().hex()


def _unpacked(item: Item, folder: Path) -> tuple[Path, Path | None]:
    """A ZIP's picture and its infrared file, in `folder`. Raises ScanError."""
    archive = Path(os.fsdecode(item.path or b""))
    opened, unpacked = _zip(archive, archive.stat().st_mtime_ns), []
    for number in (item.member, *([int(item.infrared)] if item.infrared else [])):
        info = opened.infolist()[number]
        found = extract(opened, Member(info.filename, number, info), folder / str(number), item.name)
        if found.path is None:
            raise ScanError(f"{item.name}: {found.error}")
        unpacked.append(found.path)
    return unpacked[0], unpacked[1] if len(unpacked) > 1 else None


@lru_cache(maxsize=4)
def _zip(archive: Path, changed: int) -> Any:
    return open_zip(archive)  # its list of files is read once for all of its pictures
