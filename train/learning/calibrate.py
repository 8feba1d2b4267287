"""Fit the calibration of the probabilities, and the thresholds of the three verdicts.

All of it but the label's share is fitted on the validation split; it is stored in the model's `config.json`, and
`darkroom.judge.calibration` applies it.
"""

import numpy as np
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from darkroom.judge.calibration import PRIOR, Calibration, at_prior, log_odds_clean, sigmoid
from darkroom.judge.resnet import Output, ResNet18
from learning.guarantee import guaranteed_threshold

EVENTS = 10  # of the rarer class for each fitted weight (Peduzzi et al. 1996)
FEWEST = 2 * EVENTS  # of the rarer class, for a temperature and a bias, and for two weights in "normal"
# Of damaged frames, at most; many of the simulated ones are faint, and a smaller share leaves more readable frames to a
# person.
FALSE_READABLE = 0.25
FALSE_DAMAGED = 0.03  # of readable ones, at most: the error that a photographer minds most
# Of the label in "normal", the kinds of damage have the rest. Fitted on simulated frames, the kinds would get most, and
# real damage that looks like none of them would pass (docs/experiments.md).
LABEL_SHARE = 2 / 3


def calibrate(output: Output, rows: Dataset, kinds: tuple[str, ...], model: ResNet18) -> tuple[Calibration, dict]:
    """Fit on validation.

    output, rows: logits of `model` on the validation split, and the split, whose rows of one `group` (photograph, roll)
    stay in one fold. kinds: the damage that the data set labels. A kind that it does not label, or in too few frames,
    keeps the calibration of the model; so does the label, and a threshold that too few frames can guarantee.
    Returns the calibration and the guarantees of its thresholds.
    """
    label, logits, _ = (part.double().numpy() for part in output)
    normal, damage = np.array(rows["label"]), np.array(rows["defects"]).reshape(len(rows), -1)
    groups = np.array(rows["group"])
    stored = model.calibration
    before = Calibration.from_dict(stored) if stored else Calibration.identity(model.defects)
    slope, bias, unseen = {}, {}, {}  # unseen: cross-validated probabilities

    for k, kind in enumerate(model.defects):
        truth = damage[:, kinds.index(kind)] if kind in kinds else np.zeros(len(rows))
        known = np.isfinite(truth)  # the kind of a damaged frame may be unknown
        if kind not in before.slope:  # the head was rebuilt with a new kind
            before = _with(before, kind)
        if min((truth == value).sum() for value in (0, 1)) < FEWEST:
            slope[kind], bias[kind] = before.slope[kind], before.bias[kind]
            unseen[kind] = before.of_defect(kind, logits[:, k])
            continue
        column = logits[:, k : k + 1]
        (slope[kind],), bias[kind], found = _fit_logistic(column[known], truth[known], groups[known])
        unseen[kind] = Calibration(slope, bias).of_defect(kind, logits[:, k])
        unseen[kind][known] = found

    margin = label[:, 1] - label[:, 0]
    no_damage = log_odds_clean([*unseen.values()]) if unseen else np.zeros(len(rows))
    rarer, prior = np.bincount(normal, minlength=2).min(), float(normal.mean())
    slope_label, slope_clean = before.slope["normal"], before.sound
    if stored and rarer < EVENTS:
        bias["normal"], prior = before.bias["normal"], before.prior
        p_normal = sigmoid(slope_label * margin + slope_clean * no_damage + bias["normal"])
    else:
        if rarer >= FEWEST and no_damage.any():
            by_label, by_kinds = (_fit_logistic(x[:, None], normal, groups)[0][0] for x in (margin, no_damage))
            slope_label, slope_clean = LABEL_SHARE * by_label, (1 - LABEL_SHARE) * by_kinds
        # Of too few rows a temperature and a bias for the combination that the earlier calibration has.
        combined = slope_label * margin + slope_clean * no_damage
        (scale,), bias["normal"], p_normal = _fit_logistic(combined[:, None], normal, groups)
        slope_label, slope_clean = scale * slope_label, scale * slope_clean
    slope["normal"] = slope_label

    p = at_prior(p_normal, prior, PRIOR)  # the thresholds use cross-validated probabilities too
    readable_above, readable = guaranteed_threshold(p[normal == 0], groups[normal == 0], FALSE_READABLE)
    below, damaged = guaranteed_threshold(1 - p[normal == 1], groups[normal == 1], FALSE_DAMAGED)
    damaged_below = 1 - below
    if stored and not readable["promised"]:
        readable_above = before.readable_above
    if stored and not damaged["promised"]:
        damaged_below = before.damaged_below
    calibration = Calibration(
        slope={name: float(value) for name, value in slope.items()},
        bias={name: float(value) for name, value in bias.items()},
        sound=float(slope_clean),
        prior=prior,
        readable_above=max(PRIOR, readable_above),
        damaged_below=min(PRIOR, damaged_below),
    )
    return calibration, {"false_readable": readable, "false_damaged": damaged}


def _with(before: Calibration, kind: str) -> Calibration:
    """The calibration with the identity for `kind`."""
    stored = before.to_dict()
    return Calibration.from_dict(
        stored | {"slope": stored["slope"] | {kind: 1.0}, "bias": stored["bias"] | {kind: 0.0}}
    )


def _fit_logistic(x: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Logistic regression on x (N, D): weights (D,), bias, and the probability of each row, cross-validated over
    groups."""
    center, scale = x.mean(0), np.maximum(x.std(0), 1e-6)
    standardised = (x - center) / scale
    fitted = LogisticRegression(max_iter=1000).fit(standardised, truth)
    unseen = fitted.predict_proba(standardised)[:, 1]
    rarer = min(len(set(groups[truth == value])) for value in (0, 1))
    if rarer >= 2:
        folds = StratifiedGroupKFold(min(5, rarer))
        unseen = cross_val_predict(fitted, standardised, truth, groups=groups, cv=folds, method="predict_proba")[:, 1]
    weights = fitted.coef_[0] / scale
    return weights, float(fitted.intercept_[0] - weights @ center), unseen
