"""Confidence intervals of measured rates."""

from typing import Literal

from scipy.stats import binomtest


def clopper_pearson(
    hits: int, count: int, certainty: float = 0.95, side: Literal["two-sided", "less"] = "two-sided"
) -> tuple[float, float]:
    """The exact confidence interval of a rate, for `hits` of `count` (Clopper and Pearson 1934).

    side: "less" bounds the rate from above alone, and so more closely.
    """
    low, high = binomtest(hits, count, alternative=side).proportion_ci(certainty, "exact")
    return float(low), float(high)
