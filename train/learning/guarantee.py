"""Thresholds with a guarantee: with a stated certainty the wrong class reaches them no more often than a limit."""

import numpy as np

from learning.intervals import clopper_pearson

CERTAINTY = 0.95  # of the bound on the error rate


def guaranteed_threshold(scores: np.ndarray, groups: np.ndarray, risk: float) -> tuple[float, dict]:
    """The lowest threshold that at most the share `risk` of the frames of new groups reach, by the bound.

    scores: (N,) probability of the wrong class for each picture, 0…1. groups: (N,) its photograph or roll.
    The frames of a group err together, so a group counts as one observation: one of its frames, drawn once. The
    threshold is lowered from the top while the bound holds; the order is fixed beforehand, so the search does not
    invalidate the bound (Angelopoulos et al. 2021, fixed sequence testing). Where the groups are too few for any error,
    even none, the threshold lies above all scores, and `promised` is False.
    Returns the threshold and {"promised", "risk", "count" and "errors" of groups, "bound"}. Raises ValueError where
    there is no picture.
    """
    if not len(scores):
        raise ValueError("a threshold needs at least one picture")
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
