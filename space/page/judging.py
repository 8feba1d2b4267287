"""What the page's handlers share: a file becomes a verdict and a preview, or one sentence that says why not."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
import numpy as np
from darkroom.decode import ScanError
from darkroom.preview import reduce
from darkroom.scan import open_scan
from darkroom.verdict import Judge, Verdict

log = logging.getLogger("darkroom.page")


@dataclass(frozen=True, eq=False)
class Seen:
    """One judged frame as the page holds it for a visitor.

    path: the upload, for the full-size download. negative: the reduced negative, (h, w, 3) uint16. turns: quarters to
    the left by which it is shown.
    """

    path: Path
    verdict: Verdict
    negative: np.ndarray
    turns: int = 0

    def turned(self, quarters: int) -> "Seen":
        return replace(self, turns=(self.turns + quarters) % 4)


def share(percent: float) -> float:
    """A prior as probability from "out of 100", kept off the certain ends where no evidence would count."""
    return min(max(float(percent), 1.0), 99.0) / 100


def look_at(judge: Judge, path: str | Path, prior: float) -> Seen:
    """Open, judge and reduce one file. Raises ScanError."""
    scan = open_scan(path, name=Path(path).name)
    return Seen(Path(path), judge.judge(scan, prior), reduce(scan))


def explain(error: Exception, name: str) -> str:
    """One sentence for the visitor: ours where we know what is wrong, and never a server path or a traceback."""
    if isinstance(error, ScanError):
        return str(error)
    log.error("could not judge %s", name, exc_info=error)
    return f"{name}: could not be judged; try another export of it"


def refuse(error: Exception, name: str) -> gr.Error:
    """The same sentence as an alert that stays until it is closed."""
    return gr.Error(explain(error, name), duration=None, title="Not judged", print_exception=False)
