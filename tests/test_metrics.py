"""The figures agree with scikit-learn's wherever it has them, and with their definition where not."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from learning.metrics import Readability, calibration_error, defect_precision, figures_of


@pytest.fixture(scope="module")
def metric() -> Readability:
    return Readability(keep_in_memory=True)


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 200)
    return np.clip(0.3 * y + rng.random(200) * 0.7, 0, 1), y


@pytest.mark.parametrize("seed", range(5))
def test_every_figure_is_what_scikit_learn_computes(metric, seed):
    p, y = random_case(seed)
    called = (p >= 0.5).astype(int)
    got = metric.compute(predictions=p, references=y)
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(y, called))
    assert got["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, called))
    assert got["f1"] == pytest.approx(sk.f1_score(y, called))
    assert got["precision"] == pytest.approx(sk.precision_score(y, called))
    assert got["recall"] == pytest.approx(sk.recall_score(y, called))
    assert got["recall_damaged"] == pytest.approx(sk.recall_score(y, called, pos_label=0))
    assert got["auroc"] == pytest.approx(sk.roc_auc_score(y, p))
    assert got["confusion_matrix"] == sk.confusion_matrix(y, called).tolist()
    assert got["count"] == 200


@pytest.mark.parametrize("seed", range(5))
def test_the_calibration_error_is_the_weighted_gap_of_scikit_learns_curve(seed):
    p, y = random_case(seed)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="uniform")
    sizes = np.histogram(p, np.linspace(0, 1, 11))[0]
    expected = (sizes[sizes > 0] / len(p) * abs(observed - predicted)).sum()
    assert calibration_error(p, y) == pytest.approx(expected)


def test_a_prior_weighs_the_labels_as_if_they_came_that_often():
    p, y = random_case(0)
    p, y = np.concatenate([p[y == 0][:30], p[y == 1][:60]]), np.repeat([0, 1], [30, 60])
    balanced = np.concatenate([np.repeat(p[:30], 2), p[30:]])  # each damaged one twice: 60 and 60
    assert calibration_error(p, y, prior=0.5) == pytest.approx(calibration_error(balanced, np.repeat([0, 1], 60)))
    assert calibration_error(p, y, prior=0.5) != pytest.approx(calibration_error(p, y))


def test_an_interval_holds_its_figure_and_narrows_with_more_pictures(metric):
    p, y = random_case(1)
    few = metric.compute(predictions=p[:40], references=y[:40], bootstrap=True)["intervals"]
    figures = metric.compute(predictions=p, references=y, bootstrap=True)
    for name, (low, high) in figures["intervals"].items():
        if name != "ece":  # resampling adds scatter within the bins, so its bootstrap lies above
            assert low <= figures[name] <= high
    width = {key: high - low for key, (low, high) in figures["intervals"].items()}
    assert all(width[key] < few[key][1] - few[key][0] for key in ("accuracy", "auroc", "recall_damaged"))


def test_always_saying_normal_earns_half_the_balanced_accuracy(metric):
    y = np.array([1] * 7 + [0] * 3)
    got = metric.compute(predictions=np.ones(10), references=y)
    assert (got["accuracy"], got["balanced_accuracy"], got["recall_damaged"]) == (0.7, 0.5, 0.0)


def test_nothing_to_measure_and_impossible_probabilities_are_errors(metric):
    with pytest.raises(ValueError, match="no prediction"):
        metric.compute(predictions=[], references=[])
    for bad in (1.2, float("nan")):
        with pytest.raises(ValueError, match="outside"):
            metric.compute(predictions=[bad, 0.1], references=[1, 0])


def test_what_one_class_cannot_define_is_none():
    got = figures_of(np.array([0.9, 0.2]), np.array([1, 1]))
    assert got["auroc"] is None and got["balanced_accuracy"] is None and got["recall_damaged"] is None
    assert got["recall"] == 0.5


def test_each_kind_of_damage_has_scikit_learns_average_precision():
    rng = np.random.default_rng(0)
    truth = np.stack([rng.integers(0, 2, 80), np.zeros(80, int)], axis=1)
    scores = rng.random((80, 2)) + 0.5 * truth
    got = defect_precision(scores, truth, ("holes", "noise"))
    assert got["holes"]["average_precision"] == pytest.approx(sk.average_precision_score(truth[:, 0], scores[:, 0]))
    assert got["holes"]["interval"][0] < got["holes"]["average_precision"] < got["holes"]["interval"][1]
    assert got["noise"] is None
