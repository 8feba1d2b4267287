"""Judge negatives: load a model once, then ask it for verdicts.

judge = load()                              # the bundled weights
verdict = judge.judge("frame.jpg")
verdict.verdict, verdict.p_normal, verdict.defects
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..files.sidecar import REJECTED, UNRATED, Sidecar
from ..film.evidence import Evidence, measure
from ..film.film import Film, network_input
from ..film.scan import Scan, open_scan
from ..taxonomy import DEFECTS, OTHERS, REMEDIES, Remedy, spoken
from .calibration import PRIOR, Calibration, at_prior, logit, sigmoid
from .loading import load_network
from .resnet import ResNet18, to_float

SHOWN_FROM = 0.5  # a defect this probable is named
COLOURS = {"readable": "Green", "check": "Yellow", "damaged": "Red"}  # the label of a sidecar
EMPTY = 0.99  # probability that a frame without any picture in it is damaged
COLUMNS = ("file", "verdict", "p_normal", "confidence", *DEFECTS, "reason", "not_negative", "error")


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is said of one scan.

    verdict: "readable", "damaged" or "check" (a person should look). p_normal: probability, 0…1, that the negative is
    readable, at `prior`. confidence: probability of the likelier of readable and damaged, 0.5…1. defects: {defect:
    probability 0…1}. heat: (h, w) float32 in 0…1, where the damage is, over the whole picture. reason: one sentence.
    """

    file: str
    verdict: str
    p_normal: float
    defects: dict[str, float]
    heat: np.ndarray = field(repr=False)
    evidence: Evidence
    reason: str
    prior: float
    calibration: Calibration = field(repr=False)

    @property
    def confidence(self) -> float:
        return max(self.p_normal, 1 - self.p_normal)

    @property
    def found(self) -> list[str]:
        """The defects to name, likeliest first; none of a readable frame, nor of what is no colour negative."""
        if self.verdict == "readable" or self.evidence.not_negative:
            return []
        likely = [name for name, p in self.defects.items() if p >= SHOWN_FROM]
        return sorted(likely, key=self.defects.get, reverse=True)

    @property
    def remedies(self) -> list[tuple[str, Remedy]]:
        """For each defect found, likeliest first: its cause and what can be done."""
        return [(name, REMEDIES[name]) for name in self.found]

    def at_prior(self, prior: float) -> "Verdict":
        """The same scan judged at another prior, strictly in 0…1; needs no forward pass."""
        p_normal = float(at_prior(self.p_normal, self.prior, prior))
        word, reason = decide(p_normal, self.defects, self.evidence, self.calibration)
        return replace(self, p_normal=p_normal, prior=prior, verdict=word, reason=reason)

    def row(self) -> dict[str, str | float]:
        """The columns of a verdicts file. not_negative: the kind of picture it is instead, or empty; probabilities of
        such a picture would say nothing and are left out."""
        said = {"p_normal": self.p_normal, "confidence": self.confidence, **self.defects}
        if self.evidence.not_negative:
            said = {"not_negative": self.evidence.other}
        said |= {"file": self.file, "verdict": self.verdict, "reason": self.reason, "error": ""}
        return dict.fromkeys(COLUMNS) | {"not_negative": ""} | said

    def sidecar(self, name: str) -> Sidecar:
        """What the sidecar of the picture `name` says: a damaged one is rejected, the others stay unrated."""
        keywords, description = [self.verdict, *map(spoken, self.found)], self.reason
        if self.evidence.not_negative:
            keywords.append("no colour negative")
        else:
            description = f"{self.confidence:.0%} sure at a prior of {self.prior:.0%}. {description}"
        rating = REJECTED if self.verdict == "damaged" else UNRATED
        return Sidecar(name, rating, COLOURS[self.verdict], keywords, description)


def decide(p_normal: float, defects: dict[str, float], evidence: Evidence, calibration: Calibration) -> tuple[str, str]:
    """The verdict's word and the sentence that gives its reason."""
    if evidence.empty:
        return "damaged", f"The frame holds nothing: {OTHERS['nothing']}."
    if evidence.not_negative:
        return "check", f"This does not look like a colour negative: {evidence.not_negative}."
    word = calibration.decide(p_normal)
    if word != "readable" and evidence.scan_problem:
        return "check", f"The scan hides the film: {evidence.scan_problem}."
    likeliest = max(defects, key=defects.get, default=None)
    named = spoken(likeliest) if likeliest and defects[likeliest] >= SHOWN_FROM else ""
    if word == "readable":
        return word, "Nothing speaks against this frame."
    if word == "damaged":
        return word, f"The likeliest damage is {named}." if named else "Damaged, but not of a kind that we can name."
    return word, f"Too close to call; look for {named}." if named else "Too close to call; a person should look."


class Prepared(NamedTuple):
    """What judging needs of a scan: its name, the network's input (3, h, w) uint8, what was measured on it."""

    name: str
    pixels: np.ndarray
    evidence: Evidence


class Judge:
    """A loaded model. source: where its weights came from; revision: the Hub commit, or None."""

    def __init__(self, model: ResNet18, source: str = "memory", revision: str | None = None, notice: str = ""):
        self.model = model.eval()
        self.source, self.revision, self.notice = source, revision, notice
        stored = model.calibration
        self.calibration = Calibration.from_dict(stored) if stored else Calibration.identity(model.defects)

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
        return Prepared(scan.name, network_input(film, self.model.input_size), measure(film))

    @torch.inference_mode()
    def judge_prepared(self, prepared: Sequence[Prepared], prior: float = PRIOR) -> list[Verdict]:
        """Judge several prepared scans, in their order; those of one shape go through the network together."""
        verdicts: list[Verdict | None] = [None] * len(prepared)
        device = next(self.model.parameters()).device
        for shape in {each.pixels.shape for each in prepared}:
            chosen = [i for i, each in enumerate(prepared) if each.pixels.shape == shape]
            pixels = torch.from_numpy(np.stack([prepared[i].pixels for i in chosen])).to(device)
            spans = torch.tensor([prepared[i].evidence.density_span for i in chosen], device=device)
            label, defects, maps = (part.float().cpu().numpy() for part in self.model(to_float(pixels), spans))
            found = self.calibration.probabilities(self.model.defects, label, defects)
            for k, i in enumerate(chosen):
                chances = {name: float(each[k]) for name, each in found.items()}
                verdicts[i] = self._verdict(prepared[i], chances, maps[k], prior)
        return verdicts

    def _verdict(self, prepared: Prepared, chances: dict[str, float], maps: np.ndarray, prior: float) -> Verdict:
        """What is said of one scan. chances: as `Calibration.probabilities` has them; maps: (2 + K, h, w)."""
        evidence, normal = prepared.evidence, chances.pop("normal")
        p_normal = float(at_prior(normal, self.calibration.prior, prior))
        if evidence.empty:
            chances = {name: EMPTY if name == "blank_area" else 1 - EMPTY for name in chances}
            p_normal = float(at_prior(1 - EMPTY, PRIOR, prior))
        word, reason = decide(p_normal, chances, evidence, self.calibration)
        heat = heat_map(maps, chances, self.calibration)
        return Verdict(prepared.name, word, p_normal, chances, heat, evidence, reason, prior, self.calibration)


def heat_map(maps: np.ndarray, defects: dict[str, float], calibration: Calibration) -> np.ndarray:
    """(h, w) float32 in 0…1: how much each cell of the network's maps speaks of damage.

    maps: (2 + K, h, w), class activation maps. defects: K probabilities. The hottest cell of a defect has its
    probability; another has log-odds that are lower by what its own logit, weighed as in the calibration, falls short.
    Without defects the map of "abnormal" less that of "normal" is shown.
    """
    if not defects:
        return sigmoid(maps[0] - maps[1]).astype(np.float32)
    heat = np.zeros(maps.shape[1:])
    for plane, (name, p) in zip(maps[2:], defects.items(), strict=True):
        heat = np.maximum(heat, sigmoid(logit(p) + calibration.slope[name] * (plane - plane.max())))
    return heat.astype(np.float32)


def load(weights: str | Path | None = None, revision: str | None = None, *, bundled_if_down: bool = False) -> Judge:
    """Load a model from a folder, or from the Hub as "user/name" or "user/name@revision"; None is the bundled one.

    bundled_if_down: see `hub.weights.find`. Raises `weights.WeightsError` with one sentence for the user.
    """
    return Judge(*load_network(weights, revision, bundled_if_down=bundled_if_down))
