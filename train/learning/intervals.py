"""How far a measured share can be believed."""

from typing import Literal

from scipy.stats import binomtest


def clopper_pearson(
    hits: int, count: int, certainty: float = 0.95, side: Literal["two-sided", "less"] = "two-sided"
) -> tuple[float, float]:
    """The exact interval of a rate of which `hits` of `count` were seen (Clopper and Pearson 1934).

    side: "less" bounds the rate from above alone, and so more closely.
    """
    low, high = binomtest(hits, count, alternative=side).proportion_ci(certainty, "exact")
    return float(low), float(high)
