"""From the network's logits to calibrated probabilities and a verdict. numpy only.

Each kind of damage has a temperature and a bias for its pooled logit (Guo et al. 2017). "Readable?" weighs two things:
the network's own label, and that no kind of damage was found, as a noisy-or (Pearl 1988): one defect is enough. The
numbers are fitted on validation by `train/run.py`, but for the share of each of the two, and stored in `config.json`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np

Numbers = TypeVar("Numbers", float, np.ndarray)

PRIOR = 0.5  # P(normal) where the user says nothing else; for it the thresholds are stated


def logit(p: Numbers) -> Numbers:
    """log(p / (1 − p)), finite for p of 0 and 1."""
    kept: Any = np.clip(p, 1e-9, 1 - 1e-9)
    return np.log(kept / (1 - kept))


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + exp(−x)) without overflow."""
    tanh: Any = np.tanh(0.5 * np.asarray(x, dtype=np.float64))
    return 0.5 * (1 + tanh)


def log_odds_clean(defects: Sequence[np.ndarray]) -> np.ndarray:
    """(N,) log-odds that there is no defect at all: of the product of 1 − p. defects: K times (N,) probabilities."""
    none = np.log1p(-np.clip(defects, 1e-9, 1 - 1e-9)).sum(axis=0)
    return logit(np.exp(none))


def at_prior(p: Numbers, fitted: float, prior: float) -> Numbers:
    """A probability as it would be had the class the frequency `prior` instead of `fitted`, each strictly in 0…1.

    Saerens, Latinne and Decaestecker (2002): the posterior odds times the ratio of prior odds.
    """
    return sigmoid(logit(p) + logit(prior) - logit(fitted))


@dataclass(frozen=True)
class Calibration:
    """The fitted numbers and the thresholds; `to_dict` is what `config.json` stores.

    slope, bias: {"normal" or a defect: of its logit}; the logit of "normal" is the margin of the network's label.
    sound: weight, in "normal", of `log_odds_clean`.
    prior: P(normal) in the data it was fitted on. readable_above, damaged_below: thresholds on `p_normal` at prior
    0.5; between them a person should look.
    """

    slope: dict[str, float] = field(default_factory=lambda: {"normal": 1.0})
    bias: dict[str, float] = field(default_factory=lambda: {"normal": 0.0})
    sound: float = 0.0
    prior: float = 0.5
    readable_above: float = 0.5
    damaged_below: float = 0.5

    @classmethod
    def identity(cls, defects: tuple[str, ...]) -> "Calibration":
        """The identity, for a network without a calibration: probabilities are the sigmoids of its logits."""
        answers = ("normal", *defects)
        return cls(slope=dict.fromkeys(answers, 1.0), bias=dict.fromkeys(answers, 0.0))

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Calibration":
        """The inverse of `to_dict`. Raises TypeError for other names."""
        return cls(**stored)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def of_defect(self, name: str, logits: np.ndarray) -> np.ndarray:
        """(N,) probabilities of one kind of damage. logits: (N,), pooled."""
        return sigmoid(self.slope[name] * np.asarray(logits, np.float64) + self.bias[name])

    def probabilities(self, names: tuple[str, ...], label: np.ndarray, defects: np.ndarray) -> dict[str, np.ndarray]:
        """{"normal": (N,), each defect: (N,)} in 0…1, "normal" at the prior that the calibration was fitted on.

        names: of the K defects, in the network's order. label (N, 2), defects (N, K): `resnet.Output`'s logits.
        """
        found = {name: self.of_defect(name, defects[:, k]) for k, name in enumerate(names)}
        margin = (label[:, 1] - label[:, 0]).astype(np.float64)
        log_odds = self.slope["normal"] * margin + self.bias["normal"]
        if found:
            log_odds = log_odds + self.sound * log_odds_clean([*found.values()])
        return {"normal": sigmoid(log_odds), **found}

    def decide(self, p_normal: float) -> str:
        """The verdict for a `p_normal` at any prior: the thresholds are on the probability itself."""
        if p_normal >= self.readable_above:
            return "readable"
        return "damaged" if p_normal < self.damaged_below else "check"
