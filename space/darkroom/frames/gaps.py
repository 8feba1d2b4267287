"""Where frames lie along a straightened piece of film: gaps, and the chain of equal frames that explains them best.

A gap is unexposed film (or, on a print or in a holder, black): all of a column of the picture area has the film's own
brightest value. At a frame's edge the rows leave that value together. A scene has such lines, too, but not at the
distance that the camera's gate sets: all frames of a strip are as long as each other, and their length stands in one
of few proportions to their height. So edges are read for every position, and for every length the best chain of frames
is found by dynamic programming.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

BASE = 0.09  # of the range, by which a gap's pixels may differ from the film's base
STEP = 0.03  # of the range, that a row changes at least at a frame's edge
COST = 0.45  # of an edge: so much must speak for it
NEUTRAL = 0.35  # what speaks for an edge where the film ends
ENDED = 0.6  # the same where scissors ended it, most often beside a frame
LONG = 2.5  # times as long as a frame that film is before its ends tell where frames end
MISSED = 0.9  # cost of a gap inside a frame
BARE = 0.9  # cost of as much picture outside of all frames as one frame is long
# Gaps, as shares of a frame's length from and to, and what they cost; below 0 frames overlap. Most cameras leave 2 mm.
GAPS = (-0.06, 0.13, 0.0), (0.13, 0.24, 0.35)
CUT = 0.4  # cost of a frame that scissors cut
SLACK = 0.03  # of a frame's length, by which its end may lie off
MOST = 60  # frames of a strip
OVERLAP = 0.5  # how much an edge counts without a gap, where one frame meets or overlaps another


@dataclass(frozen=True, eq=False)
class Edges:
    """What speaks for a frame's left and right edge at each column, 0…1; full: (w,) share of rows that have the gaps'
    value; faint: (w,) share of rows that are a little denser than the column's clearest, so that neither gaps nor light
    that falls off along the film count; base: the gaps' value."""

    left: np.ndarray
    right: np.ndarray
    full: np.ndarray
    faint: np.ndarray
    base: float


@dataclass(frozen=True, eq=False)
class Chain:
    """Frames of a length along a piece. spans: (n, 2) the columns where each begins and ends, outside of the piece
    where it is cut. score: what speaks for it less what speaks against; sides: (n, 2) what speaks for each frame's two
    edges."""

    spans: np.ndarray
    length: float
    score: float
    sides: np.ndarray

    @property
    def between(self) -> np.ndarray:
        """(n − 1,) what speaks for each place where one frame ends and the next begins: the better of its edges."""
        return np.maximum(self.sides[:-1, 1], self.sides[1:, 0])


def edges(values: np.ndarray, bare: np.ndarray | None, dark: bool) -> Edges:
    """values: (h, w) 0…255, brightness of the picture area alone. bare: (h, w) bool, what is light or holder and no
    film. dark: whether gaps are black rather than clear."""
    values = (255 - values if dark else values).astype(np.float32)
    height, width = values.shape
    tenth = uniform_filter1d(np.percentile(values, 12, axis=0), 3)
    sound = np.ones(width, bool) if bare is None else bare.mean(axis=0) < 0.3
    if sound.sum() < 8:
        sound[:] = True
    base = float(np.percentile(tenth[sound], 98.5))
    is_base = values >= base - BASE * 255
    if bare is not None:
        is_base |= bare
    full = is_base.mean(axis=0)
    faint = (values < np.percentile(values, 88, axis=0) - STEP * 255).mean(axis=0)
    reach = max(1, round(0.014 * height))
    before = np.pad(values, ((0, 0), (reach, 0)), mode="edge")[:, :width]
    after = np.pad(values, ((0, 0), (0, reach)), mode="edge")[:, reach:]
    base_before = np.pad(is_base, ((0, 0), (reach, 0)), mode="edge")[:, :width]
    base_after = np.pad(is_base, ((0, 0), (0, reach)), mode="edge")[:, reach:]
    change = after - before
    falls, rises = change < -STEP * 255, change > STEP * 255
    gap_before = np.clip((base_before.mean(axis=0) - 0.6) / 0.3, 0, 1)
    gap_after = np.clip((base_after.mean(axis=0) - 0.6) / 0.3, 0, 1)
    left = (base_before & falls).mean(axis=0) * gap_before
    right = (base_after & rises).mean(axis=0) * gap_after
    together = np.abs(falls.mean(axis=0) - rises.mean(axis=0))
    line = OVERLAP * np.clip((together - 0.75) / 0.2, 0, 1)
    # Half of the rows that leave the base are enough: where a scene is dark the frame is as clear as the gap.
    left, right = (np.maximum(np.clip(1.6 * e, 0, 1), line) for e in (left, right))
    return Edges(left, right, full, faint, base)


def best_chain(found: Edges, lengths: np.ndarray, start: int, end: int, cut: tuple[bool, bool]) -> Chain | None:
    """The chain of frames that the edges speak for most. lengths: (N,) pixels that a frame may be long. start, end:
    columns between which there is film. cut: whether the picture cuts it there; scissors seldom cut a frame."""
    chains = [chain for length in lengths if (chain := _chain(found, float(length), start, end, cut)) is not None]
    return max(chains, key=lambda chain: chain.score, default=None)


def _chain(found: Edges, length: float, start: int, end: int, cut: tuple[bool, bool]) -> Chain | None:
    width = len(found.left)
    pad = int(length) + 2
    slack = max(1, round(SLACK * length))
    ends = max(2, round(0.03 * length))

    def padded(evidence: np.ndarray) -> np.ndarray:
        out = np.full(width + 2 * pad, NEUTRAL, np.float32)
        out[pad + start : pad + end] = evidence[start:end]
        for at, by_picture in zip((start, end), cut, strict=True):
            near = slice(max(0, pad + at - ends), pad + at + ends)
            out[near] = np.maximum(out[near], NEUTRAL if by_picture or end - start < LONG * length else ENDED)
        return out

    left, right = padded(found.left), padded(found.right)
    near_left = maximum_filter1d(left, 2 * max(1, slack // 2) + 1)
    near_right = maximum_filter1d(right, 2 * slack + 1)
    picture = np.zeros(width + 2 * pad, np.float32)
    picture[pad + start : pad + end] = found.full[start:end] < 0.85
    before = np.r_[0, np.cumsum(picture)]  # columns of picture left of each
    count = len(left) - int(length)  # places at which a frame may begin
    begin = np.arange(count)
    stop = begin + int(length)
    # A gap inside: an edge of either kind there, with its other side near, is worth 2.
    reach = max(3, int(0.2 * length))
    inner = np.zeros(width + 2 * pad, np.float32)
    inner[pad + start : pad + end] = (found.left * (found.left > 0.6))[start:end]
    other = np.zeros_like(inner)
    other[pad + start : pad + end] = (found.right * (found.right > 0.6))[start:end]
    pair = inner * np.roll(maximum_filter1d(other, reach), reach // 2)
    inside = maximum_filter1d(pair, max(3, int(0.7 * length)))[np.minimum(begin + int(length) // 2, len(pair) - 1)]
    seen = (np.minimum(stop, pad + end) - np.maximum(begin, pad + start)) / length
    value = near_left[:count] + near_right[stop] - 2 * COST - MISSED * inside
    value = np.where(seen < 0.08, -9.0, value * np.clip(seen, 0, 1))
    for side, beyond in zip(cut, (start + pad - begin, stop - pad - end), strict=True):
        if not side:
            value = value - CUT * (beyond > 2 * SLACK * length)
    first = value - BARE * before[begin] / length
    last = BARE * (before[-1] - before[stop]) / length
    steps = [(round((1 + low) * length), round((1 + high) * length), cost) for low, high, cost in GAPS]
    most = min(MOST, int((end - start) / max(1, steps[0][0])) + 2)
    totals, best = [first], (-np.inf, 0, 0)
    for k in range(most):
        score = totals[-1] - last
        at = int(np.argmax(score))
        if score[at] > best[0]:
            best = float(score[at]), k, at
        if k + 1 < most:
            totals.append(_before(totals[-1], steps) + value)
    score, k, at = best
    if not np.isfinite(score):
        return None
    starts = [at]
    for step in range(k - 1, -1, -1):
        choices = []
        for shortest, longest, cost in steps:
            low, high = max(0, starts[-1] - longest), max(1, starts[-1] - shortest + 1)
            place = low + int(np.argmax(totals[step][low:high]))
            choices.append((float(totals[step][place]) - cost, place))
        starts.append(max(choices)[1])
    starts.reverse()
    places = np.array(starts)
    sides = np.stack([near_left[places], near_right[places + int(length)]], axis=1)
    spans = [
        [_edge_near(left, place, max(1, slack // 2)), _edge_near(right, place + int(length), slack)] for place in places
    ]
    return Chain(np.array(spans, float) - pad, length, score, sides)


def _before(totals: np.ndarray, steps: list[tuple[int, int, float]]) -> np.ndarray:
    """At each column, the best of `totals` for the frame before one that begins there; steps: how far to the left it
    may begin, from, to, and at what cost."""
    out = np.full(len(totals), -1e6, np.float32)
    for shortest, longest, cost in steps:
        window = maximum_filter1d(totals, longest - shortest + 1, mode="constant", cval=-1e6)
        shift = longest - (longest - shortest + 1) // 2  # from a window's middle, as SciPy has it, to the column
        if shift < len(out):
            out[shift:] = np.maximum(out[shift:], window[: len(out) - shift] - cost)
    return out


def _edge_near(evidence: np.ndarray, place: int, slack: int) -> int:
    """Where within `slack` columns of a place most speaks for an edge; the place itself where little does."""
    low = max(0, place - slack)
    near = evidence[low : place + slack + 1]
    best = np.flatnonzero(near > near.max() - 0.05)
    return low + int(best[np.argmin(np.abs(best + low - place))]) if near.max() > NEUTRAL + 0.05 else place
