"""Judge negatives: load a model once, then ask it for verdicts.

judge = load()                              # the bundled weights
verdict = judge.judge("frame.jpg")
verdict.verdict, verdict.p_normal, verdict.defects
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..film.evidence import Evidence, measure
from ..film.film import Film, network_input
from ..film.gate import Gate
from ..film.scan import Scan, open_scan
from ..film.surface import Surface, surface
from .calibration import PRIOR, Calibration
from .loading import load_network
from .record import COLUMNS, Verdict, verdicts
from .resnet import ResNet18, to_float

__all__ = ["COLUMNS", "Judge", "Prepared", "Verdict", "load"]


class Prepared(NamedTuple):
    """What judging needs of a scan: its name, the network's input (3, h, w) uint8, what was measured on it."""

    name: str
    pixels: np.ndarray
    evidence: Evidence
    surface: Surface | None = None


class Judge:
    """A loaded model. source: where its weights came from; revision: the Hub commit, or None."""

    def __init__(self, model: ResNet18, source: str = "memory", revision: str | None = None, notice: str = ""):
        self.model = model.eval()
        self.source, self.revision, self.notice = source, revision, notice
        stored = model.calibration
        self.calibration = Calibration.from_dict(stored) if stored else Calibration.identity(model.defects)
        self.gate = Gate.from_dict(model.gate) if model.gate else None

    def judge(self, scan: Scan | str | Path | bytes, prior: float = PRIOR) -> Verdict:
        """Judge one scan, or what `open_scan` opens: a file's path or its bytes.

        prior: P(normal) for it, strictly in 0…1. Raises `decode.ScanError` with one sentence for the user where the
        file cannot be opened.
        """
        return self.judge_batch([scan if isinstance(scan, Scan) else open_scan(scan)], prior)[0]

    def judge_batch(self, scans: Sequence[Scan], prior: float = PRIOR) -> list[Verdict]:
        """Judge several scans, in their order."""
        return self.judge_prepared([self.prepare(scan) for scan in scans], prior)

    def prepare(self, scan: Scan) -> Prepared:
        """All that judging needs of a scan, so that its pixels can be let go; safe to call from several threads."""
        film = Film(scan)
        return Prepared(scan.name, network_input(film, self.model.input_size), measure(film, self.gate), surface(film))

    @torch.inference_mode()
    def judge_prepared(self, prepared: Sequence[Prepared], prior: float = PRIOR) -> list[Verdict]:
        """Judge several prepared scans, in their order; those of one shape go through the network together."""
        said: dict[int, Verdict] = {}
        device = next(self.model.parameters()).device
        for shape in {each.pixels.shape for each in prepared}:
            chosen = {i: each for i, each in enumerate(prepared) if each.pixels.shape == shape}
            names, pixels, evidence, surfaces = zip(*chosen.values(), strict=True)
            spans = torch.tensor([each.density_span for each in evidence], device=device)
            answer = self.model(to_float(torch.from_numpy(np.stack(pixels)).to(device)), spans)
            label, damage, maps = (part.float().cpu().numpy() for part in answer)
            answered = verdicts(names, evidence, (label, damage, maps), self.model.defects, self.calibration, prior)
            for i, each, own in zip(chosen, answered, surfaces, strict=True):
                said[i] = replace(each, surface=own)
        return [said[i] for i in range(len(prepared))]


def load(weights: str | Path | None = None, revision: str | None = None, *, bundled_if_down: bool = False) -> Judge:
    """Load a model from a folder, or from the Hub as "user/name" or "user/name@revision"; None is the bundled one.

    bundled_if_down: see `hub.weights.locate`. Raises `weights.WeightsError` with one sentence for the user.
    """
    return Judge(*load_network(weights, revision, bundled_if_down=bundled_if_down))
