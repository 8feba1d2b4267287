"""Bands of film cut into frames: one length of frame for all of the same kind, since one camera's gate made them."""

from dataclasses import dataclass, replace

import numpy as np

from .bands import Band
from .gaps import Chain, Edges, best_chain, edges
from .sprockets import PITCH

PERFORATED = np.sort(np.concatenate([mm * np.array([0.975, 0.995, 1.015]) for mm in (36, 24, 18)]))  # mm along the film
PLAIN = np.geomspace(0.5, 1.62, 24)  # of the breadth: frames of film without holes, or cut to its pictures
FINER = (0.978, 0.989, 1.0, 1.011, 1.022)  # times the length that all have, for each strip: perspective
PLENTY = 0.6  # of the score that a strip of frames has all of whose edges are seen
REBATE = 0.18  # of the breadth, that lies beyond a picture's edge at most
CLEAR = 0.85  # share of the rebate that is nothing but film, at least
SURE = 0.5  # what speaks for it at least
SEEN = 0.85, 0.5  # share of a frame that is there if the picture cuts it, if scissors did
# What is to be seen on a frame at least (`Edges.faint`) where its edges do not tell of it: if all of it is there, and
# if most of it is; and how much that is.
FAINT, CLEARLY = 0.02, 0.25
WHOLLY, MOSTLY = 0.95, 0.6
ASKED = 4  # strips, the largest, that say how long a frame is


@dataclass(frozen=True, eq=False)
class Strip:
    """A band and the frames on it: chain, and gaps, the edges by which it was found; None where nothing tells frames
    apart, and the band is one."""

    band: Band
    chain: Chain | None
    gaps: Edges | None

    @property
    def frames(self) -> int:
        """How many it holds."""
        return len(self.chain.spans) if self.chain else 1


def strips_of(bands: list[Band]) -> list[Strip]:
    """Each band with the chain of frames that explains it best."""
    strips = []
    for perforated in (True, False):
        same = [band for band in bands if (band.holes is not None) == perforated]
        if same:
            strips += _of_one_length(same, PERFORATED if perforated else PLAIN)
    return strips


def unit(band: Band) -> float:
    """Pixels that lengths of frames are counted in: a millimetre where the holes tell it, else the band's breadth."""
    return band.holes.pitch / PITCH if band.holes else float(band.values.shape[0])


def _of_one_length(bands: list[Band], lengths: np.ndarray) -> list[Strip]:
    largest = sorted(bands, key=lambda band: -band.piece.size)[:ASKED]
    best = -1.0, 0, lengths[0]
    for kind in (0, 1):  # black gaps are tried where clear ones explain little
        totals = [sum(_score(band, kind, length) for band in largest) for length in lengths]
        at = int(np.argmax(totals))
        best = max(best, (totals[at], kind, lengths[at]), key=lambda b: b[0])
        if best[0] > PLENTY * sum(band.values.shape[1] / (best[2] * unit(band)) for band in largest):
            break
    _, kind, length = best
    strips = []
    for band in bands:
        found = band.edges[kind]
        chain = best_chain(found, length * unit(band) * np.array(FINER), 0, band.values.shape[1], _cut(band))
        strips.append(Strip(band, chain and _with_faint_ends(chain, found), found))
    return strips


def _with_faint_ends(chain: Chain, found: Edges) -> Chain:
    """The chain, with frames at its ends whose edges nothing tells but that the film goes on as far: most often they
    are underexposed, and so are just what must not be missed. Film that shows nothing at all there stays film."""
    if len(chain.spans) < 2 or chain.score <= 0:
        return chain
    spans, sides = list(chain.spans), list(chain.sides)
    step = chain.length + float(np.median(chain.spans[1:, 0] - chain.spans[:-1, 1]))
    while _shows(found, span := spans[0] - step, chain.length):
        spans.insert(0, span)
        sides.insert(0, np.zeros(2))
    while _shows(found, span := spans[-1] + step, chain.length):
        spans.append(span)
        sides.append(np.zeros(2))
    return replace(chain, spans=np.array(spans), sides=np.array(sides))


def _shows(found: Edges, span: np.ndarray, length: float) -> bool:
    """Whether film shows something at a place where a frame may be, all of it or, if there is more to see, most."""
    first, last = np.clip(span, 0, len(found.faint)).astype(int)
    there = (last - first) / length
    return there > MOSTLY and bool(found.faint[first:last].mean() > (FAINT if there > WHOLLY else CLEARLY))


def _cut(band: Band) -> tuple[bool, bool]:
    return band.piece.cut[3], band.piece.cut[1]


def _score(band: Band, kind: int, length: float) -> float:
    chain = best_chain(band.edges[kind], np.array([length * unit(band)]), 0, band.values.shape[1], _cut(band))
    return max(chain.score, 0.0) if chain else 0.0


def picture_rows(band: Band, chain: Chain | None, gaps: Edges | None) -> tuple[float, float]:
    """First and last row of a band's pictures: where most speaks for an edge along it, near where it must be."""
    height, width = band.values.shape
    if band.holes:
        return band.rows
    expected = 0.0, float(height)
    if chain is None:
        return expected
    inside = np.zeros(width, bool)
    for start, stop in np.clip(chain.spans, 0, width).astype(int):
        inside[start:stop] = True
    if inside.sum() < 8:
        return expected
    across = edges(band.values[:, inside].T, band.bare[:, inside].T, gaps is band.edges[1])
    reach = int(REBATE * height) + 1
    rows = []
    for evidence, full in ((across.left, across.full), (across.right[::-1], across.full[::-1])):
        # All that lies beyond an edge is rebate; letters are on it, and its outermost rows are blurred.
        beyond = np.array([full[min(2, row) : row].mean() if row > 2 else 1.0 for row in range(reach)])
        near = evidence[:reach] * (beyond > CLEAR)
        rows.append(float(np.flatnonzero(near > near.max() - 0.05)[-1]) if near.max() > SURE else 0.0)
    return rows[0], height - rows[1]
