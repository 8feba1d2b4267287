"""The verdict on one scan, and how it is made from the network's logits. It needs no torch, only the logits."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..files.sidecar import REJECTED, UNRATED, Sidecar
from ..film.base import AboveBase
from ..film.evidence import Evidence
from ..film.surface import Surface
from ..taxonomy import DEFECTS, NOT_NEGATIVES, REMEDIES, Remedy, display_name
from .calibration import PRIOR, Calibration, at_prior, logit, sigmoid

SHOWN_FROM = 0.5  # a defect this probable is named
COLOURS = {"readable": "Green", "check": "Yellow", "damaged": "Red"}  # the label of a sidecar
IN_INFRARED = ("infrared_dust", "infrared_holes")  # shares of the frame
EMPTY = 0.99  # probability that a frame without any picture in it is damaged
ABOVE_BASE = ("thinnest_above_base", "densest_above_base", "base_red", "base_green", "base_blue")  # D
MEASURED = (*IN_INFRARED, *ABOVE_BASE)
COLUMNS = ("file", "verdict", "p_normal", "confidence", *DEFECTS, *MEASURED, "reason", "not_negative", "error")


@dataclass(frozen=True, eq=False)
class Verdict:
    """The verdict on one scan.

    verdict: "readable", "damaged" or "check" (a person should look). p_normal: probability, 0…1, that the negative is
    readable, at `prior`. confidence: probability of the likelier of readable and damaged, 0.5…1. defects: {defect:
    probability 0…1}. heat: (h, w) float32 in 0…1, where the damage is, over the whole picture. reason: one sentence.
    surface: what infrared shows on the film, None without infrared; above_base: the density over that of the film's
    base, None where no base is seen. Both are reported, and change nothing else.
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
    surface: Surface | None = None
    above_base: AboveBase | None = None

    @property
    def explanation(self) -> str:
        """The reason, and a sentence about the film's surface where infrared shows much on it."""
        return f"{self.reason} {self.surface.sentence if self.surface else ''}".rstrip()

    def lines(self) -> list[tuple[str, str, bool]]:
        """All that was measured, as `Evidence.lines`."""
        more = [part.lines() for part in (self.above_base, self.surface) if part]
        return sum(more, self.evidence.lines())

    @property
    def confidence(self) -> float:
        """Probability of the likelier of readable and damaged, 0.5…1."""
        return max(self.p_normal, 1 - self.p_normal)

    @property
    def found(self) -> list[str]:
        """The defects to name, likeliest first; none of a readable frame, nor of what is no colour negative."""
        if self.verdict == "readable" or self.evidence.not_negative:
            return []
        likely = [name for name, p in self.defects.items() if p >= SHOWN_FROM]
        return sorted(likely, key=self.defects.__getitem__, reverse=True)

    @property
    def remedies(self) -> list[tuple[str, Remedy]]:
        """For each defect found, likeliest first: its cause and what can be done."""
        return [(name, REMEDIES[name]) for name in self.found]

    def at_prior(self, prior: float) -> "Verdict":
        """The same scan judged at another prior, strictly in 0…1; needs no forward pass."""
        p_normal = float(at_prior(self.p_normal, self.prior, prior))
        word, reason = decide(p_normal, self.defects, self.evidence, self.calibration)
        return replace(self, p_normal=p_normal, prior=prior, verdict=word, reason=reason)

    def row(self) -> dict[str, Any]:
        """The columns of a verdicts file. not_negative: the kind of picture it is instead, or empty; probabilities of
        such a picture would say nothing and are left out. What is not known (no infrared, no film base) is None."""
        said: dict[str, Any] = {"p_normal": self.p_normal, "confidence": self.confidence, **self.defects}
        if self.evidence.not_negative:
            said = {"not_negative": self.evidence.other_kind}
        said |= {"file": self.file, "verdict": self.verdict, "reason": self.explanation, "error": ""}
        if self.surface:
            said |= dict(zip(IN_INFRARED, (self.surface.dust, self.surface.holes), strict=True))
        if self.above_base:
            above = self.above_base
            said |= dict(zip(ABOVE_BASE, (above.thinnest, above.densest, *(above.fog or 3 * (None,))), strict=True))
        return dict.fromkeys(COLUMNS) | {"not_negative": ""} | said

    def sidecar(self, name: str) -> Sidecar:
        """What the sidecar of the picture `name` says: a damaged one is rejected, the others stay unrated."""
        keywords, description = [self.verdict, *map(display_name, self.found)], self.explanation
        if self.evidence.not_negative:
            keywords.append("no colour negative")
        else:
            description = f"{self.confidence:.0%} sure at a prior of {self.prior:.0%}. {description}"
        rating = REJECTED if self.verdict == "damaged" else UNRATED
        return Sidecar(name, rating, COLOURS[self.verdict], keywords, description)


def decide(p_normal: float, defects: dict[str, float], evidence: Evidence, calibration: Calibration) -> tuple[str, str]:
    """The verdict's word and the sentence that gives its reason."""
    if evidence.empty:
        return "damaged", f"The frame holds nothing: {NOT_NEGATIVES['nothing']}."
    if evidence.not_negative:
        return "check", f"This does not look like a colour negative: {evidence.not_negative}."
    word = calibration.decide(p_normal)
    if word != "readable" and evidence.scan_problem:
        return "check", f"The scan hides the film: {evidence.scan_problem}."
    likeliest = max(defects, key=defects.__getitem__, default=None)
    named = display_name(likeliest) if likeliest and defects[likeliest] >= SHOWN_FROM else ""
    if word == "readable":
        return word, "Nothing speaks against this frame."
    if word == "damaged":
        return word, f"The likeliest damage is {named}." if named else "Damaged, but not of a kind that we can name."
    return word, f"Too close to call; look for {named}." if named else "Too close to call; a person should look."


def verdicts(
    names: Sequence[str],
    evidence: Sequence[Evidence],
    output: tuple[np.ndarray, np.ndarray, np.ndarray],
    defects: tuple[str, ...],
    calibration: Calibration,
    prior: float = PRIOR,
) -> list[Verdict]:
    """The verdicts on N scans, from their logits and measurements.

    names, evidence: of each scan. output: label (N, 2), defects (N, K) and maps (N, 2 + K, h, w), as `resnet.Output`
    has them. defects: of the K, in the network's order. prior: P(normal) of each, strictly in 0…1.
    """
    label, damage, maps = output
    found = calibration.probabilities(defects, label, damage)
    normal = found.pop("normal")
    said = []
    for i, (name, measured) in enumerate(zip(names, evidence, strict=True)):
        chances = {defect: float(each[i]) for defect, each in found.items()}
        p_normal = float(at_prior(normal[i], calibration.prior, prior))
        if measured.empty:
            chances = {defect: EMPTY if defect == "blank_area" else 1 - EMPTY for defect in chances}
            p_normal = float(at_prior(1 - EMPTY, PRIOR, prior))
        word, reason = decide(p_normal, chances, measured, calibration)
        heat = heat_map(maps[i], chances, calibration)
        said.append(Verdict(name, word, p_normal, chances, heat, measured, reason, prior, calibration))
    return said


def heat_map(maps: np.ndarray, defects: dict[str, float], calibration: Calibration) -> np.ndarray:
    """(h, w) float32 in 0…1: the probability of damage in each cell of the network's maps.

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
