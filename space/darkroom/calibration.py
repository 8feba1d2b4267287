"""From what the network and the evidence say to honest probabilities and a verdict. numpy only.

One logistic regression a defect over standardised features: the network's pooled logits, its strongest map cells, the
measured evidence. Another for "readable?", which weighs what they find together, as a noisy-or (Pearl 1988): one
defect is enough, and a hole is no less a hole in a frame with a good density span. Underexposure is apart from it: the
network's input has the density span taken out, and its label, as sure of a frame that is next to empty, has no say.
They are fitted on validation after training (`train/calibrate.py`) and stored in `config.json`. With the label margin
alone as feature it is temperature scaling with a bias (Guo et al. 2017; Alexandari et al. 2020).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from .evidence import Evidence, believed

VERDICTS = ("readable", "check", "damaged")


def feature_names(defects: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of `features`, in their order."""
    pooled = [f"{defect} pooled" for defect in defects]
    peak = [f"{defect} peak" for defect in defects]
    return ("label margin", *pooled, *peak, *Evidence.NAMES)


def features(label: np.ndarray, defects: np.ndarray, maps: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """What the calibration weighs, (N, F) float64.

    label (N, 2), defects (N, K) and maps (N, 2 + K, h, w) are `resnet.Output`'s logits; evidence (N, E) is
    `Evidence.vector()` row by row. The margin is log-odds of "normal"; a peak is the largest cell of a defect's map,
    for damage too small to move the mean; both as far as they are `believed`.
    """
    margin = believed(label[:, 1:2] - label[:, 0:1])
    peak = believed(maps[:, label.shape[1] :].max(axis=(2, 3), initial=-np.inf))
    return np.concatenate([margin, defects, peak, evidence], axis=1).astype(np.float64)


def logit(p: float | np.ndarray) -> float | np.ndarray:
    """log(p / (1 − p)), finite for p of 0 and 1."""
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return np.log(p / (1 - p))


def sigmoid(x: float | np.ndarray) -> float | np.ndarray:
    """1 / (1 + exp(−x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))


def soundness(defects: Sequence[np.ndarray]) -> np.ndarray:
    """(N,) log-odds that there is no defect at all: of the product of 1 − p. defects: K times (N,) probabilities."""
    none = np.log1p(-np.clip(defects, 1e-9, 1 - 1e-9)).sum(axis=0)
    return logit(np.exp(none))


def at_prior(p: float | np.ndarray, fitted: float, prior: float) -> float | np.ndarray:
    """A probability as it would be had the class the frequency `prior` instead of `fitted`, each strictly in 0…1.

    Saerens, Latinne and Decaestecker (2002): the posterior odds times the ratio of prior odds.
    """
    return sigmoid(logit(p) + logit(prior) - logit(fitted))


@dataclass(frozen=True)
class Calibration:
    """The fitted combination and the thresholds; `to_dict` is what `config.json` stores.

    features: names of the columns used, a subset of `feature_names`. mean, scale: of each, for standardising.
    weights: {"normal" or a defect: one weight a feature}; bias: {the same: number}. sound: weight, in "normal", of the
    log-odds that there is no defect. apart: defects that are not among those, and which "normal" does not weigh: a
    frame is readable that has none of them, P(none), and nothing else, P(normal, if none).
    prior: P(normal) in the data it was fitted on. readable_above, damaged_below: thresholds on `p_normal` at prior
    0.5; between them a person should look.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: dict[str, tuple[float, ...]]
    bias: dict[str, float]
    sound: float = 0.0
    prior: float = 0.5
    readable_above: float = 0.5
    damaged_below: float = 0.5
    apart: tuple[str, ...] = ()

    @classmethod
    def identity(cls, defects: tuple[str, ...]) -> "Calibration":
        """The network's word as it is, for a network that nobody calibrated."""
        names = ("label margin", *(f"{defect} pooled" for defect in defects))
        rows = np.eye(len(names))
        return cls(
            features=names,
            mean=(0.0,) * len(names),
            scale=(1.0,) * len(names),
            weights={key: tuple(row) for key, row in zip(("normal", *defects), rows.tolist(), strict=True)},
            bias=dict.fromkeys(("normal", *defects), 0.0),
        )

    @classmethod
    def from_dict(cls, stored: dict) -> "Calibration":
        """The inverse of `to_dict`. Raises TypeError when the names are others."""
        return cls(**stored)

    def to_dict(self) -> dict:
        """Plain JSON."""
        return asdict(self)

    def probabilities(self, table: np.ndarray, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
        """{"normal": (N,), each defect: (N,)} in 0…1, "normal" at the prior that the calibration was fitted on.

        table: (N, F) from `features`; columns: its names.
        """
        picked = table[:, [columns.index(name) for name in self.features]]
        standard = (picked - np.asarray(self.mean)) / np.asarray(self.scale)
        logits = {key: standard @ np.asarray(w) + self.bias[key] for key, w in self.weights.items()}
        found = {key: sigmoid(value) for key, value in logits.items() if key != "normal"}
        weighed = [p for key, p in found.items() if key not in self.apart]
        if weighed:
            logits["normal"] = logits["normal"] + self.sound * soundness(weighed)
        none_apart = np.prod([1 - found[key] for key in self.apart], axis=0)
        return {"normal": sigmoid(logits["normal"]) * none_apart, **found}

    def slope(self, key: str, feature: str) -> float:
        """By how much the log-odds of `key` rise a unit of `feature`, as `features` gives it; 0 without a weight."""
        if feature not in self.features:
            return 0.0
        k = self.features.index(feature)
        return self.weights[key][k] / self.scale[k]

    def decide(self, p_normal: float) -> str:
        """The verdict for a `p_normal` at any prior: the thresholds are on the probability itself."""
        if p_normal >= self.readable_above:
            return "readable"
        return "damaged" if p_normal < self.damaged_below else "check"
