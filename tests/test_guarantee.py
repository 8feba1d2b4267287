"""A threshold keeps its guarantee for photographs and rolls, however many frames each has."""

import numpy as np
import pytest
from scipy.stats import binom

from learning.guarantee import guaranteed_threshold, upper_bound


def test_the_bound_is_clopper_and_pearsons():
    for errors, count in ((0, 59), (3, 200), (10, 100)):
        assert binom.cdf(errors, count, upper_bound(errors, count)) == pytest.approx(0.05, abs=1e-6)
    assert upper_bound(0, 58) > 0.05 > upper_bound(0, 59)


def test_twins_of_one_scene_promise_no_more_than_the_scene():
    scores = np.random.default_rng(0).random(58)
    once = guaranteed_threshold(scores, np.arange(58), 0.05)
    assert guaranteed_threshold(np.tile(scores, 20), np.tile(np.arange(58), 20), 0.05) == once
    assert once[1]["promised"] is False and once[1]["count"] == 58


def test_a_group_of_many_frames_weighs_as_much_as_one_of_few():
    scores, groups = np.full(300, 0.1), np.concatenate([np.arange(100), np.zeros(200, int)])
    scores[100:] = scores[0] = 0.9  # all frames of one group, which has 201
    threshold, facts = guaranteed_threshold(scores, groups, 0.05)
    assert facts == {
        "promised": True,
        "risk": 0.05,
        "count": 100,
        "errors": 1,
        "bound": pytest.approx(0.0466, abs=1e-3),
    }
    assert 0.1 < threshold < 0.9


def test_the_promise_holds_for_groups_whose_frames_go_wrong_together():
    rng, kept = np.random.default_rng(1), []
    for _ in range(200):
        groups = np.repeat(np.arange(120), 5)
        threshold, facts = guaranteed_threshold(rng.normal(size=120)[groups] + rng.normal(0, 0.1, 600), groups, 0.05)
        assert facts["promised"]
        unseen = rng.normal(size=20_000) + rng.normal(0, 0.1, 20_000)
        kept.append((unseen >= threshold).mean() <= 0.05)
    assert np.mean(kept) >= 0.92  # promised with 95 % certainty each


def test_no_picture_is_no_basis():
    with pytest.raises(ValueError, match="at least one picture"):
        guaranteed_threshold(np.empty(0), np.empty(0), 0.05)
