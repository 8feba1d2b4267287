"""Judge a roll: many frames one after another, the broken ones named, and what they say together."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..files.archive import MOST_FRAMES, FrameSource, left_out
from ..files.decode import ScanError
from ..files.sidecar import sidecars_zip
from ..files.table import csv_text
from ..film.base import Base
from ..film.preview import reduce, thumbnail
from ..film.scan import Scan, open_scan
from ..frames.cut import CutScan, cut
from ..taxonomy import VERDICTS
from .patterns import same_end, same_place
from .prefetch import CORES, ahead
from .record import COLUMNS, Verdict
from .verdict import Judge

log = logging.getLogger(__name__)
SPOKEN = VERDICTS | {"error": "Not judged"}  # for people


@dataclass(frozen=True, eq=False)
class JudgedFrame:
    """One frame of a roll: its verdict and a small JPEG of its positive, or the sentence that says why there is none.
    number, infrared: as in `FrameSource`. polygon: (4, 2), where it lies on its picture if it was cut out of one, as in
    `frames.frame.Frame`; picture: what that is called; which: of its frames, as in
    `CutScan`; base: its film's, measured there."""

    name: str
    path: Path | None
    verdict: Verdict | None = None
    thumbnail: bytes = b""
    error: str = ""
    number: int = 0
    infrared: Path | None = None
    polygon: np.ndarray | None = None
    picture: str = ""
    which: int = 0
    base: Base | None = None

    @property
    def word(self) -> str:
        """The verdict, or "error"."""
        return self.verdict.verdict if self.verdict else "error"

    def at_prior(self, prior: float) -> "JudgedFrame":
        """The same frame judged at another prior."""
        return replace(self, verdict=self.verdict.at_prior(prior)) if self.verdict else self

    @property
    def found(self) -> FrameSource:
        """The picture that it is, or was cut from."""
        return FrameSource(self.picture or self.name, self.path, self.error, self.number, self.infrared)

    def row(self) -> dict[str, Any]:
        """The columns of a verdicts file."""
        if self.verdict:
            return self.verdict.row()
        return dict.fromkeys(COLUMNS, "") | {"file": self.name, "error": self.error}


def table_of(frames: Iterable[JudgedFrame]) -> str:
    """The CSV that `score` writes: one row a frame, the unjudged ones with their `error`."""
    return csv_text(COLUMNS, (frame.row() for frame in frames))


def sidecars_of(frames: Iterable[JudgedFrame]) -> bytes:
    """A ZIP with the sidecars of all judged frames; none for those of strips, whose file has no verdict of its own."""
    return sidecars_zip(frame.verdict.sidecar(frame.name) for frame in frames if frame.verdict and not frame.which)


def explain(error: Exception, name: str) -> str:
    """One sentence for the user: ours where we know what is wrong, and never a path of this machine or a traceback."""
    if isinstance(error, ScanError):
        return str(error)
    log.error("could not judge %s", name, exc_info=error)
    return f"{name}: could not be judged; try another export of it"


def judge_roll(judge: Judge, found: Sequence[FrameSource], prior: float, light: str = "auto") -> Iterator[JudgedFrame]:
    """Judge pictures in their order, of a strip each frame (see `frames.cut`), yielding each as it is done; a picture
    a core at a time.

    light: as for `open_scan`. After `MOST_FRAMES` frames the rest is left out, and an entry says so.
    """
    total = 0
    judge = judge.one_core if len(found) > 1 else judge  # an only picture, a strip perhaps, has all cores
    for frames in ahead(lambda entry: _judged(judge, entry, prior, light), found, CORES, 2 * CORES):
        if total >= MOST_FRAMES and frames[0].path is not None:
            name = frames[0].found.name
            yield JudgedFrame(name, None, error=left_out(name))
            return
        yield from frames
        total += sum(frame.verdict is not None for frame in frames)


def _judged(judge: Judge, entry: FrameSource, prior: float, light: str) -> list[JudgedFrame]:
    picture = JudgedFrame(entry.name, entry.path, number=entry.number, infrared=entry.infrared)
    if entry.path is None:
        return [replace(picture, error=entry.error)]
    try:
        scan = open_scan(entry.path, entry.name, number=entry.number, light=light, infrared=entry.infrared)
        return judged_frames(judge, picture, cut(scan), prior)
    except Exception as error:  # whatever one file does, the rest of the roll goes on
        return [replace(picture, error=explain(error, entry.name))]


def judged_frames(judge: Judge, picture: JudgedFrame, scans: list[Scan], prior: float) -> list[JudgedFrame]:
    """The frames of a picture, one after another; each is taken out of `scans`, so that its pixels are let go."""
    done = []
    while scans:
        scan = scans.pop(0)
        frame = replace(picture, name=scan.name, thumbnail=thumbnail(reduce(scan, side=600)), base=scan.base)
        if isinstance(scan, CutScan):
            frame = replace(frame, picture=picture.name, polygon=scan.polygon, which=scan.which)
        done.append(replace(frame, verdict=judge.judge(scan, prior)))
    return done


def worst_first(frames: Iterable[JudgedFrame]) -> list[JudgedFrame]:
    """Least readable first; then, as they came, pictures that are no colour negatives, and what could not be judged."""

    def place(frame: JudgedFrame) -> tuple[int, float]:
        if frame.verdict is None:
            return 2, 0.0
        return (1, 0.0) if frame.verdict.evidence.not_negative else (0, frame.verdict.p_normal)

    return sorted(frames, key=place)


@dataclass(frozen=True)
class Summary:
    """What a roll says as a whole, at the prior of its verdicts.

    counts: as `counted` gives them. share: expected share of damaged frames, 0…1; low, high: the central 95 % of that
    share, were each frame damaged independently with its own probability. patterns: sentences.
    """

    counts: dict[str, int]
    share: float
    low: float
    high: float
    patterns: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        interval = {"damaged_share": self.share, "low": self.low, "high": self.high}
        return {"counts": self.counts, **interval, "patterns": list(self.patterns)}


def counted(frames: Iterable[JudgedFrame]) -> dict[str, int]:
    """{"readable", "check", "damaged", "error": frames}."""
    counts = Counter(frame.word for frame in frames)
    return {word: counts[word] for word in (*VERDICTS, "error")}


def summarise(frames: Iterable[JudgedFrame]) -> Summary | None:
    """Sum a roll up; None where no colour negative was judged."""
    frames = list(frames)
    judged = [frame.verdict for frame in frames if frame.verdict and not frame.verdict.evidence.not_negative]
    judged.sort(key=lambda verdict: by_number(verdict.file))
    if not judged:
        return None
    chances = np.array([1 - verdict.p_normal for verdict in judged])
    low, high = damaged_share(chances)
    patterns = [sentence for sentence in (same_place(judged), same_end(judged)) if sentence]
    return Summary(counted(frames), float(chances.mean()), low, high, tuple(patterns))


def by_number(name: str) -> list[str]:
    """A sorting key by which frame_2 comes before frame_10."""
    return [part.zfill(12) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", name)]


def damaged_share(chances: np.ndarray) -> tuple[float, float]:
    """The central 95 % of the share of damaged frames, each damaged independently with its chance, (n,) in 0…1.

    The count then follows the Poisson binomial distribution, whose probabilities are a product of polynomials.
    """
    count = np.ones(1)
    for p in chances:
        count = np.convolve(count, [1 - p, p])
    reached: np.ndarray = np.cumsum(count)
    low, high = (min(int(at), len(chances)) for at in np.searchsorted(reached, (0.025, 0.975)))
    return low / len(chances), high / len(chances)
