"""Judge negatives: load a model once, then ask it for verdicts.

judge = load()                              # the bundled weights
verdict = judge.judge("frame.jpg")
verdict.verdict, verdict.p_normal, verdict.defects
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..film.base import AboveBase, above_base
from ..film.evidence import Evidence, measure
from ..film.film import Film, network_input
from ..film.gate import Gate
from ..film.scan import Scan, open_scan
from ..film.surface import Surface, surface
from ..frames.cut import only_frame
from .calibration import PRIOR, Calibration
from .loading import load_network
from .network import Network
from .record import COLUMNS, Verdict, verdicts
from .runtime import Logits, Runtime

if TYPE_CHECKING:
    import torch

__all__ = ["COLUMNS", "Judge", "Prepared", "Verdict", "load"]


Measured = tuple[Evidence, Surface | None, AboveBase | None]


class Prepared(NamedTuple):
    """What judging needs of a scan: its name, the network's input (3, h, w) uint8, the quarters to the left by which
    that is turned, what was measured on it."""

    name: str
    pixels: np.ndarray
    turns: int
    evidence: Evidence
    surface: Surface | None = None
    above_base: AboveBase | None = None


class Judge:
    """A loaded model. source: where its weights came from; revision: the Hub commit, or None."""

    def __init__(self, model: Network, source: str = "memory", revision: str | None = None, notice: str = ""):
        self.model = model
        self.run: Callable[[np.ndarray, np.ndarray], Logits] = Runtime(model)
        self.source, self.revision, self.notice = source, revision, notice
        stored = model.calibration
        self.calibration = Calibration.from_dict(stored) if stored else Calibration.identity(model.defects)
        self.gate = Gate.from_dict(model.gate) if model.gate else None

    def judge(self, scan: Scan | str | Path | bytes, prior: float = PRIOR) -> Verdict:
        """Judge one scan, or a file by its path or its bytes.

        Of a file that shows an only frame amid rebate, a holder or bare light, that frame is judged, as the page does.
        prior: P(normal) for it, strictly in 0…1. Raises `decode.ScanError` with one sentence for the user where the
        file cannot be opened.
        """
        if isinstance(scan, Scan):
            return self.judge_batch([scan], prior)[0]
        picture = open_scan(scan)
        with ThreadPoolExecutor(2) as pool:  # on other cores; most pictures are one frame, and prepared by then
            looking, film = pool.submit(only_frame, picture), Film(picture)
            measured = pool.submit(self._measured, film)
            prepared, frame = self._prepared(film, measured.result), looking.result()
        return self.judge_prepared([prepared if frame is picture else self.prepare(frame)], prior)[0]

    def judge_batch(self, scans: Sequence[Scan], prior: float = PRIOR) -> list[Verdict]:
        """Judge several scans, in their order."""
        return self.judge_prepared([self.prepare(scan) for scan in scans], prior)

    def prepare(self, scan: Scan) -> Prepared:
        """All that judging needs of a scan, so that its pixels can be let go; safe to call from several threads."""
        film = Film(scan)
        return self._prepared(film, lambda: self._measured(film))

    def _prepared(self, film: Film, measured: Callable[[], Measured]) -> Prepared:
        pixels = network_input(film, self.model.input_size)
        return Prepared(film.scan.name, pixels, film.turns, *measured())

    def _measured(self, film: Film) -> Measured:
        return measure(film, self.gate), surface(film), above_base(film)

    @cached_property
    def one_core(self) -> "Judge":
        """This judge for whoever judges a picture a core at a time: its network takes one core, where several would
        wait for each other in every layer. With an accelerator it is this judge."""
        if not isinstance(self.run, Runtime):
            return self
        alone = copy(self)
        alone.run = Runtime(self.model, threads=1)
        return alone

    def accelerate(self, device: "torch.device") -> None:
        """Run the network on a GPU from here on, which takes torch."""
        from .accelerator import Accelerated

        self.run = Accelerated(self.model, device)

    def judge_prepared(self, prepared: Sequence[Prepared], prior: float = PRIOR) -> list[Verdict]:
        """Judge several prepared scans, in their order; an accelerator takes those of one shape together. What is said
        of one does not depend on the others."""
        said: dict[int, Verdict] = {}
        for shape in {each.pixels.shape for each in prepared}:
            chosen = {i: each for i, each in enumerate(prepared) if each.pixels.shape == shape}
            spans = np.array([each.evidence.density_span for each in chosen.values()], np.float32)
            output = self.run(np.stack([each.pixels for each in chosen.values()]), spans)
            said |= dict(zip(chosen, self._verdicts([*chosen.values()], output, prior), strict=True))
        return [said[i] for i in range(len(prepared))]

    def _verdicts(self, prepared: Sequence[Prepared], output: Logits, prior: float) -> list[Verdict]:
        names, evidence = [each.name for each in prepared], [each.evidence for each in prepared]
        said = verdicts(names, evidence, output, self.model.defects, self.calibration, prior)
        return [
            replace(
                verdict,
                heat=np.rot90(verdict.heat, -each.turns),  # as the picture lies
                surface=each.surface,
                above_base=each.above_base,
            )
            for verdict, each in zip(said, prepared, strict=True)
        ]


def load(weights: str | Path | None = None, revision: str | None = None, *, bundled_if_down: bool = False) -> Judge:
    """Load a model from a folder, or from the Hub as "user/name" or "user/name@revision"; None is the bundled one.

    bundled_if_down: see `hub.weights.locate`. Raises `weights.WeightsError` with one sentence for the user.
    """
    return Judge(*load_network(weights, revision, bundled_if_down=bundled_if_down))
