"""The gate: is a picture a colour negative? It looks at the distribution of densities, not at the colour.

A small network takes the features of `gate_features`. Its numbers lie in a model's `config.json` as "gate";
`train/fit_gate.py` fits them, and docs/not_a_negative.md says how well.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation

from ..files.light import CODED_GAMMA
from .gate_features import DENSEST, FINE, LEAST, beyond_shading, gate_features, reduced, smoother
from .inversion import LN_10

PICTURE_KINDS = ("negative", "positive", "black_and_white", "page", "nothing")  # in the order of the network's outputs
EVEN = 0.003  # D beyond shading; the thinnest underexposed frame has half as much again
STEP = 0.4 / 255  # the same of coded values: less than the steps of 8 bits leave
SHADING = 4  # power of the polynomial that light and lens may shade by
AVERAGED = 0.38  # of the deviation in fine detail; white noise averaged over 5 × 5 keeps 0.2, any scene more than 0.45
NOISIEST = 0.1  # of the range of coded values; the deviation of fine detail from which it is no noise, but print
CLIPPED = 3.0  # standard deviations beyond which a measurement counts no further


@dataclass(frozen=True, eq=False)
class Gate:
    """The small network: T features, H hidden units, `PICTURE_KINDS` as its outputs.

    mean, scale: (T,) of the features. hidden: (T, H), hidden_bias: (H,). out: (H, K), out_bias: (K,).
    """

    mean: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Gate":
        """From plain JSON. Raises TypeError for other names, ValueError for other shapes."""
        gate = cls(**{name: np.array(value, float) for name, value in stored.items()})
        features, units = len(gate_features(np.zeros((16, 16, 3)), np.ones((16, 16), bool))), len(gate.hidden_bias)
        count = len(PICTURE_KINDS)
        shapes = [(features,), (features,), (features, units), (units,), (units, count), (count,)]
        if [each.shape for each in vars(gate).values()] != shapes:
            raise ValueError("the shapes of its gate do not fit")
        return gate

    def probabilities(self, measured: np.ndarray) -> np.ndarray:
        """(..., T) -> (..., `PICTURE_KINDS`): probabilities, one hidden layer and a softmax away."""
        standardised = np.clip((measured - self.mean) / self.scale, -CLIPPED, CLIPPED)
        hidden = np.maximum(standardised @ self.hidden + self.hidden_bias, 0)
        logits = hidden @ self.out + self.out_bias
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return odds / odds.sum(axis=-1, keepdims=True)


def no_picture(density: np.ndarray, inside: np.ndarray) -> bool:
    """Whether there is one colour, however unevenly lit, or noise that averages away as nothing on film does.

    density, inside: as `reduced` gives them. Also looked at as coded values, where the steps of a file's darkest codes,
    wide in density, are as small as all others.
    """
    density = np.minimum(density.astype(np.float64), DENSEST)
    if inside.sum() < LEAST:
        inside = np.ones_like(inside)
    away = ~binary_dilation(~inside, iterations=2)
    away = away if away.sum() >= LEAST else inside
    greys = np.stack([density.mean(axis=-1), np.exp(density * (-LN_10 / CODED_GAMMA)).mean(axis=-1)])
    smooth = smoother(inside)
    evens = np.stack([smooth(grey, FINE) for grey in greys])
    detail = [float((grey - even)[away].std()) for grey, even in zip(greys, evens, strict=True)]
    averaged = AVERAGED if detail[1] < NOISIEST else 0.0
    limits = np.maximum((EVEN, STEP), averaged * np.array(detail))
    return bool((beyond_shading(evens, inside, SHADING) < limits).any())


def picture_kinds(density: np.ndarray, inside: np.ndarray, gate: Gate | None) -> dict[str, float]:
    """The probability, 0…1, of each of `PICTURE_KINDS`; their sum is 1. Without a gate,
    all but an empty frame is a negative.

    density: (H, W, 3), up to the light's brightness. inside: (H, W) bool, without holder and bare light around.
    """
    density, inside = reduced(density, inside)
    if no_picture(density, inside):
        return dict.fromkeys(PICTURE_KINDS, 0.0) | {"nothing": 1.0}
    if gate is None:
        return dict.fromkeys(PICTURE_KINDS, 0.0) | {"negative": 1.0}
    measured = np.array([*gate_features(density, inside).values()])
    return dict(zip(PICTURE_KINDS, gate.probabilities(measured).tolist(), strict=True))
