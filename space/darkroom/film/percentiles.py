"""Percentiles of large arrays, to the bit those of `numpy.percentile`, and several times as fast.

A sample says between which two values a rank lies, so that it is looked for among a few hundredths of the array (Floyd
and Rivest, "Expected time bounds for selection", Communications of the ACM 18, 1975).
"""

from collections.abc import Sequence

import numpy as np

# Where in an array a sample is taken: at multiples of the golden ratio, which fall in step with no row of a picture.
SAMPLE = np.arange(4096) * ((5**0.5 - 1) / 2) % 1
AROUND = 64  # places of the sorted sample either side of where a rank should lie: two standard deviations in the middle


def percentiles(planes: np.ndarray, q: Sequence[float]) -> np.ndarray:
    """(len(q), k) float64 of each of k planes (k, n), n at least 1; q: rising, 0…100. Linear between neighbours."""
    return np.stack([_of_one(plane, q) for plane in planes], axis=1)


def _of_one(values: np.ndarray, q: Sequence[float]) -> np.ndarray:
    sample = np.sort(values[(SAMPLE * values.size).astype(int)])
    found = []
    for rank in np.asarray(q) / 100 * (values.size - 1):
        at, part = int(rank), rank - int(rank)
        low, high = _neighbours(values, at, sample)
        step = high - low
        found.append(low + step * part if part < 0.5 else high - step * (1 - part))  # as NumPy rounds
    return np.array(found)


def _neighbours(values: np.ndarray, at: int, sample: np.ndarray) -> tuple[np.number, np.number]:
    """The values of rank `at` and of the next, which is the same again behind the last. sample: sorted."""
    place = int(at / values.size * sample.size)
    first, last = place - AROUND, place + AROUND
    least = sample[first] if first >= 0 else -np.inf
    most = sample[last] if last < sample.size else np.inf
    near = values[(values >= least) & (values <= most)]
    below = int(np.count_nonzero(values < least))
    if not below <= at < below + near.size - 1:  # the sample misled, or there is no next: among all values
        near, below = values, 0
    near = np.partition(near, at - below)[at - below :]
    return near[0], near[1:].min() if near.size > 1 else near[0]
