"""Thresholds of which it can be promised how often they let the wrong answer through."""

import numpy as np
from scipy.stats import beta

CERTAINTY = 0.95  # with which the share is bounded


def promised_threshold(scores: np.ndarray, groups: np.ndarray, risk: float) -> tuple[float, dict]:
    """The lowest threshold that, by the bound, no more than the share `risk` of the groups reach.

    scores: (N,) how far each picture inclines to the wrong answer, 0…1. groups: (N,) its photograph or roll.
    Frames of one group go wrong together, so a group is one outcome, wrong where any of its frames is. From the top
    down, one more group may reach the threshold as long as the bound holds; the order is fixed beforehand, so the
    bound is not spoilt by the search (Angelopoulos et al. 2021, fixed sequence testing). Where the groups are too few
    even for none, the threshold still lets none through, and `promised` is False.
    Returns the threshold and {"promised", "risk", "count" and "errors" of groups, "bound"}. Raises ValueError where
    there is no picture.
    """
    if not len(scores):
        raise ValueError("there is no picture to promise anything of")
    _, member = np.unique(groups, return_inverse=True)
    worst = np.full(member.max() + 1, -np.inf)
    np.maximum.at(worst, member, scores)
    ordered, count, errors = np.sort(worst)[::-1], len(worst), 0
    while errors + 1 < count and upper_bound(errors + 1, count) <= risk:
        errors += 1
    bound = upper_bound(errors, count)
    facts = {"promised": bound <= risk, "risk": risk, "count": count, "errors": errors, "bound": bound}
    return float(np.nextafter(ordered[errors], 2)), facts


def upper_bound(errors: int, count: int) -> float:
    """Clopper and Pearson's (1934) one-sided upper bound on a rate, at `CERTAINTY`."""
    return 1.0 if errors == count else float(beta.ppf(CERTAINTY, errors + 1, count - errors))
