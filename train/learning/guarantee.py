"""Thresholds of which it can be promised how often they let the wrong answer through."""

import numpy as np

from learning.intervals import clopper_pearson

CERTAINTY = 0.95  # with which the share is bounded


def guaranteed_threshold(scores: np.ndarray, groups: np.ndarray, risk: float) -> tuple[float, dict]:
    """The lowest threshold that, by the bound, no more than the share `risk` of frames of new groups reach.

    scores: (N,) how far each picture inclines to the wrong answer, 0…1. groups: (N,) its photograph or roll.
    Frames of one group go wrong together, so a group is one outcome: that of one of its frames, drawn once. From the
    top down, one more group may reach the threshold as long as the bound holds; the order is fixed beforehand, so the
    bound is not spoilt by the search (Angelopoulos et al. 2021, fixed sequence testing). Where the groups are too few
    even for none, the threshold still lets none through, and `promised` is False.
    Returns the threshold and {"promised", "risk", "count" and "errors" of groups, "bound"}. Raises ValueError where
    there is no picture.
    """
    if not len(scores):
        raise ValueError("there is no picture to promise anything of")
    order = np.random.default_rng(0).permutation(len(scores))
    _, first = np.unique(groups[order], return_index=True)
    drawn = scores[order[first]]
    ordered, count, errors = np.sort(drawn)[::-1], len(drawn), 0
    while errors + 1 < count and upper_bound(errors + 1, count) <= risk:
        errors += 1
    bound = upper_bound(errors, count)
    facts = {"promised": bound <= risk, "risk": risk, "count": count, "errors": errors, "bound": bound}
    return float(np.nextafter(ordered[errors], 2)), facts


def upper_bound(errors: int, count: int) -> float:
    """The one-sided upper bound on a rate, at `CERTAINTY`."""
    return clopper_pearson(errors, count, CERTAINTY, "less")[1]
