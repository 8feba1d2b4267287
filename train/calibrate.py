"""Fit what turns logits and evidence into honest probabilities, and the thresholds of the three verdicts.

All of it is fitted on the validation split and stored in the model's `config.json`; `darkroom.calibration` applies it.
"""

import sys
from pathlib import Path

import numpy as np
from datasets import Dataset
from promise import promised_threshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.calibration import Calibration, at_prior, feature_names, features, sigmoid, soundness  # noqa: E402
from darkroom.evidence import Evidence  # noqa: E402
from darkroom.resnet import Output, ResNet18  # noqa: E402

EVENTS = 10  # of the rarer class for each feature (Peduzzi et al. 1996); with fewer a smaller set is fitted
MEASURED, SEEN = 0.3, 0.1  # scale of traces and of the network's cells in the ridge: how far each is believed
RIDGE = 1000  # frames, from which on the ridge grows with their number: more simulated ones are no more like real film
APART = "noise"  # what the network sees has the density span taken out, so its label does not know of underexposure
PRIOR = 0.5  # for which the thresholds are stated


def table(output: Output, rows: Dataset) -> np.ndarray:
    """`calibration.features` of predicted rows, (N, F). rows: as `frames.prepare` gives them, with evidence."""
    label, defects, maps = (part.float().numpy() for part in output)
    return features(label, defects, maps, np.stack([Evidence(**one).vector() for one in rows["evidence"]]))


def calibrate(output: Output, rows: Dataset, kinds: tuple[str, ...], model: ResNet18) -> tuple[Calibration, dict]:
    """Fit on validation.

    output, rows: what `model` says of the validation split, and the split. kinds: the damage that the data label. Of
    another kind that the model knows, the calibration that it came with stays as it is.
    Returns the calibration and what can be promised of its thresholds, as `promised_threshold` gives it.
    """
    columns, x = feature_names(model.defects), table(output, rows)
    mean, scale = x.mean(0), np.maximum(x.std(0), 1e-6)
    standard = (x - mean) / scale
    normal, damage = np.array(rows["label"]), np.array(rows["defects"]).reshape(len(rows), -1)
    before = Calibration.from_dict(model.calibration) if model.calibration else Calibration.identity(model.defects)

    weights, bias, unseen = {}, {}, {}  # unseen: the probability of each row by a fit that was not shown it
    for kind in model.defects:
        truth = damage[:, kinds.index(kind)] if kind in kinds else np.zeros(len(rows))
        carried, shift = _carried(before, kind, columns, mean, scale)
        if truth.min() < truth.max():
            directions = _directions(columns, kind, truth, carried)
            fitted, unseen[kind] = _fit(standard @ directions, truth)
            weights[kind], bias[kind] = directions @ fitted.coef_[0], float(fitted.intercept_[0])
        else:
            weights[kind], bias[kind], unseen[kind] = carried, shift, sigmoid(standard @ carried + shift)

    # Readable or not: nothing that is apart; if so, the label's own logit, and that no other defect was found.
    apart, others = _apart(before, model.defects, kinds, damage, normal)
    weighed = [p for kind, p in unseen.items() if kind not in apart]
    sound = soundness(weighed) if weighed else np.zeros(len(rows))
    carried, _ = _carried(before, "normal", columns, mean, scale)
    own = np.eye(len(columns))[columns.index("label margin")]
    if np.bincount(normal[others], minlength=2).min() >= EVENTS * 2 and sound.any():
        fitted, p_normal = _fit(np.stack([standard @ own, sound], axis=1), normal, others)
        weights["normal"], share = fitted.coef_[0, 0] * own, float(fitted.coef_[0, 1])
    else:  # only what the earlier calibration made of them both: a temperature and a bias
        length = max(np.linalg.norm([*carried, before.sound]), 1e-9)
        carried, share = carried / length, before.sound / length
        fitted, p_normal = _fit((standard @ carried + share * sound)[:, None], normal, others)
        weights["normal"], share = fitted.coef_[0, 0] * carried, float(fitted.coef_[0, 0] * share)
    bias["normal"] = float(fitted.intercept_[0])
    p_normal = p_normal * np.prod([1 - unseen[kind] for kind in apart], axis=0)

    p = at_prior(p_normal, normal.mean(), PRIOR)  # thresholds too come from pictures that were not fitted on
    groups = np.array(rows["group"])
    readable_above, readable = promised_threshold(p[normal == 0], groups[normal == 0])
    damaged_below, damaged = promised_threshold(1 - p[normal == 1], groups[normal == 1])
    calibration = Calibration(
        features=columns,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights={key: tuple(map(float, row)) for key, row in weights.items()},
        bias=bias,
        sound=share,
        prior=float(normal.mean()),
        readable_above=max(PRIOR, readable_above),
        damaged_below=min(PRIOR, 1 - damaged_below),
        apart=apart,
    )
    used = [name for name, weight in zip(columns, calibration.weights["normal"], strict=True) if weight]
    used += ["no defect"] if share else []
    used += [f"no {kind}" for kind in apart]
    return calibration, {"features": used, "false_readable": readable, "false_damaged": damaged}


def _fit(x: np.ndarray, truth: np.ndarray, among: np.ndarray | None = None) -> tuple[LogisticRegression, np.ndarray]:
    """A regression with a ridge on x (N, D), on the rows `among` (N,) bool, or all; and for each row the probability by
    one that was not fitted on it."""
    among = np.ones(len(x), bool) if among is None else among
    x_among, truth_among = x[among], truth[among]
    regression = LogisticRegression(C=min(1.0, RIDGE / len(x_among)), max_iter=1000).fit(x_among, truth_among)
    unseen = regression.predict_proba(x)[:, 1]
    rarer = int(np.bincount(truth_among.astype(int), minlength=2).min())
    if rarer >= 2:
        folds = StratifiedKFold(min(5, rarer))
        unseen[among] = cross_val_predict(regression, x_among, truth_among, cv=folds, method="predict_proba")[:, 1]
    return regression, unseen


def _apart(
    before: Calibration, defects: tuple[str, ...], kinds: tuple[str, ...], damage: np.ndarray, normal: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    """What the verdict weighs apart, and (N,) bool the frames that the rest of it is fitted on.

    That is `APART`, and the frames without it, unless a readable frame is labelled with it, or nearly all damaged ones
    are; where no frame has it, what the earlier calibration had, and all frames.
    """
    there = damage[:, kinds.index(APART)] > 0 if APART in kinds else np.zeros(len(normal), bool)
    if not there.any():
        return tuple(kind for kind in before.apart if kind in defects), ~there
    if APART in defects and not normal[there].any() and np.bincount(normal[~there], minlength=2).min() >= 2:
        return (APART,), ~there
    return (), np.ones(len(normal), bool)


def _directions(columns: tuple[str, ...], kind: str, truth: np.ndarray, carried: np.ndarray) -> np.ndarray:
    """(F, D) the D sums of standard features that are weighed: the defect's strongest cell in the network's map and the
    strongest traces of every kind; or, where the data cannot bear that many, only what the earlier calibration made of
    them all, so that a temperature and a bias are fitted.

    Simulated damage is told apart so well that weights could grow until nothing between sound and ruined was possible:
    the ridge holds them back, and most those of the network, which carries over to real film less than measurements do
    (docs/experiments.md). The plain measurements are not among them: real film spans more density than simulated film
    (docs/simulation.md), and the traces know what they know.
    """
    names = (f"{kind} peak", *Evidence.TRACES)
    if min((truth == 0).sum(), (truth == 1).sum()) >= EVENTS * len(names):
        believed = [SEEN] + [MEASURED] * len(Evidence.TRACES)
        return np.eye(len(columns))[:, [columns.index(name) for name in names]] * believed
    return (carried / max(np.linalg.norm(carried), 1e-9))[:, None]


def _carried(
    before: Calibration, kind: str, columns: tuple[str, ...], mean: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, float]:
    """An earlier calibration's weights for `kind`, restated for features with another mean and scale."""
    if kind not in before.weights:  # the head has been rebuilt: its logit is all there is
        before = Calibration.identity((kind,))
    weights, bias = np.zeros(len(columns)), before.bias[kind]
    for name, old_mean, old_scale, weight in zip(
        before.features, before.mean, before.scale, before.weights[kind], strict=True
    ):
        if name in columns:
            k = columns.index(name)
            weights[k] = weight / old_scale * scale[k]
            bias += weight / old_scale * (mean[k] - old_mean)
    return weights, float(bias)
