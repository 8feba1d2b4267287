"""From logits and evidence to probabilities: Saerens' correction, the fitted combination, the three verdicts."""

import json

import numpy as np
import pytest
from darkroom.calibration import Calibration, at_prior, feature_names, features, logit, sigmoid
from darkroom.evidence import BELIEVED, Evidence

KINDS = ("noise", "holes")


def test_a_prior_moves_the_odds_by_the_ratio_of_priors():
    # By Bayes' rule from scratch: likelihoods 0.6 and 0.2, once with 7 : 3 and once with 1 : 1.
    at_seven = 0.6 * 0.7 / (0.6 * 0.7 + 0.2 * 0.3)
    at_even = 0.6 * 0.5 / (0.6 * 0.5 + 0.2 * 0.5)
    assert at_prior(at_seven, 0.7, 0.5) == pytest.approx(at_even, abs=1e-12)
    assert at_prior(at_even, 0.5, 0.7) == pytest.approx(at_seven, abs=1e-12)


@pytest.mark.parametrize("p", [0.0, 1e-12, 0.5, 1.0])
def test_probabilities_at_the_ends_stay_finite(p):
    assert np.isfinite(logit(p)) and sigmoid(logit(p)) == pytest.approx(p, abs=1e-8)
    assert sigmoid(-1000.0) == 0 and sigmoid(1000.0) == 1


def test_features_hold_margin_pooled_logits_and_the_strongest_cell():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 4, 5, 5))
    maps[1, 3, 2, 2] = 40  # one hole
    label, defects = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    table = features(label, defects, maps, np.zeros((3, len(Evidence.NAMES))))
    columns = feature_names(KINDS)
    assert table.shape == (3, len(columns))
    margin = label[:, 1] - label[:, 0]
    assert table[:, columns.index("label margin")] == pytest.approx(BELIEVED * np.tanh(margin / BELIEVED))
    assert table[1, columns.index("holes peak")] == pytest.approx(BELIEVED)  # the surest cell counts so far
    strongest = maps[:, 2].max((1, 2))
    assert table[:, columns.index("noise peak")] == pytest.approx(BELIEVED * np.tanh(strongest / BELIEVED))
    assert table[:, columns.index("noise pooled")] == pytest.approx(defects[:, 0])


def test_without_calibration_the_network_is_taken_at_its_word():
    columns = feature_names(KINDS)
    table = np.zeros((1, len(columns)))
    table[0, 0], table[0, columns.index("holes pooled")] = 1.5, -2.0
    found = Calibration.identity(KINDS).probabilities(table, columns)
    assert found["normal"][0] == pytest.approx(sigmoid(1.5))
    assert found["holes"][0] == pytest.approx(sigmoid(-2.0))


def test_a_stored_calibration_reads_back_from_json_and_standardises():
    given = Calibration(("a", "b"), (1.0, 2.0), (2.0, 0.5), {"normal": (3.0, -1.0)}, {"normal": 0.25}, 0.7, 0.8, 0.3)
    back = Calibration.from_dict(json.loads(json.dumps(given.to_dict())))
    table = np.array([[9.0, 5.0, 1.5]])  # a column that the calibration does not use comes first
    expected = sigmoid(3 * (5 - 1) / 2 - (1.5 - 2) / 0.5 + 0.25)
    assert back.probabilities(table, ("other", "a", "b"))["normal"][0] == pytest.approx(expected)


def test_what_is_apart_is_multiplied_in_and_the_rest_weighed():
    weights = {"normal": (1.0, 0.0, 0.0), "noise": (0.0, 1.0, 0.0), "holes": (0.0, 0.0, 1.0)}
    names = ("label margin", "noise trace", "holes trace")
    given = Calibration(
        names, (0.0,) * 3, (1.0,) * 3, weights, dict.fromkeys(weights, 0.0), sound=0.5, apart=("noise",)
    )
    found = given.probabilities(np.array([[4.0, 3.0, -2.0], [4.0, -6.0, -2.0]]), names)
    rest = sigmoid(4 + 0.5 * 2.0)  # no hole has log-odds of 2
    assert found["normal"] == pytest.approx(rest * (1 - sigmoid(np.array([3.0, -6.0]))))
    assert found["holes"] == pytest.approx([sigmoid(-2.0)] * 2)


def test_between_the_thresholds_a_person_should_look():
    calibration = Calibration((), (), (), {}, {}, readable_above=0.8, damaged_below=0.3)
    assert [calibration.decide(p) for p in (0.8, 0.79, 0.3, 0.29)] == ["readable", "check", "check", "damaged"]
