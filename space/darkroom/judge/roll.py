"""Judge a roll: many frames one after another, the broken ones named, and what they say together."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..files.archive import FrameSource
from ..files.decode import ScanError
from ..files.sidecar import sidecars_zip
from ..files.table import csv_text
from ..film.preview import reduce, thumbnail
from ..film.scan import open_scan
from ..taxonomy import VERDICTS
from .prefetch import ahead
from .record import COLUMNS, Verdict
from .verdict import Judge, Prepared

log = logging.getLogger(__name__)
MARKED = 0.5  # a cell this hot counts as damaged
SPREAD = 0.4  # damage over more of the frame than this has no place
AT_LEAST = 3  # frames that must agree before a pattern is named
SPOKEN = VERDICTS | {"error": "Not judged"}  # for people
WORKERS, AHEAD = 2, 4  # threads that open frames; frames opened before they are asked for


@dataclass(frozen=True, eq=False)
class JudgedFrame:
    """One file of a roll: its verdict and a small JPEG of its positive, or the sentence that says why there is none.
    number, infrared: as in `FrameSource`."""

    name: str
    path: Path | None
    verdict: Verdict | None = None
    thumbnail: bytes = b""
    error: str = ""
    number: int = 0
    infrared: Path | None = None

    @property
    def word(self) -> str:
        """The verdict, or "error"."""
        return self.verdict.verdict if self.verdict else "error"

    def at_prior(self, prior: float) -> "JudgedFrame":
        """The same frame judged at another prior."""
        return replace(self, verdict=self.verdict.at_prior(prior)) if self.verdict else self

    def row(self) -> dict[str, Any]:
        """The columns of a verdicts file."""
        if self.verdict:
            return self.verdict.row()
        return dict.fromkeys(COLUMNS, "") | {"file": self.name, "error": self.error}


def table_of(frames: Iterable[JudgedFrame]) -> str:
    """The CSV that `score` writes: one row a frame, the unjudged ones with their `error`."""
    return csv_text(COLUMNS, (frame.row() for frame in frames))


def sidecars_of(frames: Iterable[JudgedFrame]) -> bytes:
    """A ZIP with the sidecars of all judged frames."""
    return sidecars_zip(frame.verdict.sidecar(frame.name) for frame in frames if frame.verdict)


def explain(error: Exception, name: str) -> str:
    """One sentence for the user: ours where we know what is wrong, and never a path of this machine or a traceback."""
    if isinstance(error, ScanError):
        return str(error)
    log.error("could not judge %s", name, exc_info=error)
    return f"{name}: could not be judged; try another export of it"


def judge_roll(judge: Judge, found: Iterable[FrameSource], prior: float, light: str = "auto") -> Iterator[JudgedFrame]:
    """Judge frames in their order, yielding each as it is done; a few are opened on several cores ahead of it.

    light: as for `open_scan`.
    """
    for entry, ready in ahead(lambda entry: (entry, _prepare(judge, entry, light)), found, WORKERS, AHEAD):
        if isinstance(ready, str):
            yield JudgedFrame(entry.name, entry.path, error=ready, number=entry.number, infrared=entry.infrared)
            continue
        prepared, small = ready
        verdict = judge.judge_prepared([prepared], prior)[0]
        yield JudgedFrame(entry.name, entry.path, verdict, small, number=entry.number, infrared=entry.infrared)


def _prepare(judge: Judge, entry: FrameSource, light: str) -> tuple[Prepared, bytes] | str:
    if entry.path is None:
        return entry.error
    try:
        scan = open_scan(entry.path, entry.name, number=entry.number, light=light, infrared=entry.infrared)
        return judge.prepare(scan), thumbnail(reduce(scan, side=600))
    except Exception as error:  # whatever one file does, the rest of the roll goes on
        return explain(error, entry.name)


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


def damaged_share(chances: np.ndarray, inside: float = 0.95) -> tuple[float, float]:
    """The central `inside` of the share of damaged frames, each damaged independently with its chance, (n,) in 0…1.

    The count then follows the Poisson binomial distribution, whose probabilities are a product of polynomials.
    """
    count = np.ones(1)
    for p in chances:
        count = np.convolve(count, [1 - p, p])
    reached: np.ndarray = np.cumsum(count)
    tail = (1 - inside) / 2
    low, high = (min(int(at), len(chances)) for at in np.searchsorted(reached, (tail, 1 - tail)))
    return low / len(chances), high / len(chances)


def same_place(judged: list[Verdict]) -> str:
    """A sentence if several damaged frames are marked at one place, as film that is scratched on its way is."""
    marks = [verdict.heat > MARKED for verdict in judged if verdict.verdict != "readable"]
    marks = [mark for mark in marks if 0 < mark.mean() <= SPREAD]
    shapes = Counter(mark.shape for mark in marks)
    if not shapes:
        return ""
    shape, _ = shapes.most_common(1)[0]
    together = np.sum([mark for mark in marks if mark.shape == shape], axis=0)
    most = int(together.max())
    if most < max(AT_LEAST, 0.5 * len(marks)):
        return ""
    y, x = np.argwhere(together == most).mean(axis=0) / np.maximum(np.array(shape) - 1, 1)
    where = f"{('upper', 'middle', 'lower')[min(int(y * 3), 2)]} {('left', 'centre', 'right')[min(int(x * 3), 2)]}"
    return (
        f"{most} frames are marked at the same place ({where}): "
        "look for a scratch along the film's travel, or for dirt on the light table."
    )


def same_end(judged: list[Verdict]) -> str:
    """A sentence if all damage lies at one end of a roll that is long enough to have ends."""
    hit = [i for i, verdict in enumerate(judged) if verdict.verdict == "damaged"]
    if len(judged) < 2 * AT_LEAST or len(hit) < AT_LEAST:
        return ""
    third = len(judged) // 3
    if hit[-1] < max(third, AT_LEAST):
        return (
            f"All damage is among the first {hit[-1] + 1} frames: suspect the chemistry or light at the roll's start."
        )
    if hit[0] >= len(judged) - max(third, AT_LEAST):
        return f"All damage is among the last {len(judged) - hit[0]} frames: suspect the chemistry or light at its end."
    return ""
