"""From logits to probabilities: Saerens' correction, temperature and bias, the three verdicts."""

import json

import numpy as np
import pytest

from darkroom.judge.calibration import Calibration, at_prior, log_odds_clean, logit, sigmoid

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


def test_without_calibration_the_network_is_taken_at_its_word():
    label, defects = np.array([[0.5, 2.0]]), np.array([[0.3, -2.0]])
    found = Calibration.identity(KINDS).probabilities(KINDS, label, defects)
    assert found["normal"][0] == pytest.approx(sigmoid(1.5))
    assert found["noise"][0] == pytest.approx(sigmoid(0.3)) and found["holes"][0] == pytest.approx(sigmoid(-2.0))


def test_a_stored_calibration_reads_back_from_json():
    given = Calibration({"normal": 1.0, "holes": 0.5}, {"normal": 0.1, "holes": -1.0}, 0.7, 0.6, 0.8, 0.3)
    assert Calibration.from_dict(json.loads(json.dumps(given.to_dict()))) == given


def test_readable_weighs_the_label_and_that_no_damage_was_found():
    given = Calibration({"normal": 0.5, "holes": 2.0}, {"normal": 0.25, "holes": -1.0}, sound=0.7)
    label, defects = np.array([[0.0, 3.0]] * 2), np.array([[4.0], [-1.0]])
    found = given.probabilities(("holes",), label, defects)
    chances = sigmoid(2 * defects[:, 0] - 1)
    assert found["holes"] == pytest.approx(chances)
    assert found["normal"] == pytest.approx(sigmoid(0.5 * 3 + 0.7 * logit(1 - chances) + 0.25))


def test_one_defect_is_enough_however_sound_the_rest_is():
    sure, none = np.array([0.99]), np.array([0.001])
    assert log_odds_clean([sure, none, none])[0] < -4 < 4 < log_odds_clean([none, none, none])[0]


def test_between_the_thresholds_a_person_should_look():
    calibration = Calibration(readable_above=0.8, damaged_below=0.3)
    assert [calibration.decide(p) for p in (0.8, 0.79, 0.3, 0.29)] == ["readable", "check", "check", "damaged"]
