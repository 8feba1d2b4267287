"""What the frames of a picture say of strips on which too little tells frames apart: one gate made them all."""

import numpy as np

from .gaps import Chain
from .strips import Strip

MANY = 3  # frames alike that tell how others are cut
NEARLY = 0.07  # by which frames that are alike differ in length and breadth
EVENLY = 0.06  # by which the length of what is cut evenly may differ
LIKELY = 0.5  # what speaks at least for the places between two frames, and for all edges


def by_the_others(strips: list[Strip], found: list[Strip]) -> list[Strip]:
    """The strips, and those on which too little tells frames apart cut as the other frames of the picture say: by the
    chain that was found, if it is likely now, or into as many as they are long. found: the same, or more, with the
    chains that explain them best, however little speaks for those."""
    frames = [size for strip in strips for size in _frame_sizes(strip)]
    if not frames:
        return strips
    usual = np.median(frames, axis=0)
    if (np.abs(np.array(frames) / usual - 1).max(axis=1) < NEARLY).sum() < MANY:
        return strips
    best = {id(strip.band): strip for strip in found}
    return [s if s.frames > 1 else _in_parts(s, best[id(s.band)], usual) for s in strips]


def _frame_sizes(strip: Strip) -> list[tuple[float, float]]:
    """Length, from one frame to the next, and breadth of what each frame has of a strip, in pixels."""
    piece, chain = strip.band.piece, strip.chain
    if chain is None or strip.frames == 1:
        return [(piece.length, piece.breadth)]
    step = float(np.median(np.diff(chain.spans[:, 0]))) * piece.length / strip.band.values.shape[1]
    return [(step, piece.breadth)] * strip.frames


def _in_parts(strip: Strip, found: Strip, usual: np.ndarray) -> Strip:
    """The strip by the chain that was found, or as frames of equal length, if it is as broad as they are, or as they
    are long, and a multiple of the other side. usual: length and breadth of a frame, pixels."""
    piece, width, chain = strip.band.piece, strip.band.values.shape[1], found.chain
    for along, across in (usual, usual[::-1]):
        if abs(piece.breadth / across - 1) > NEARLY:
            continue
        if chain is not None and found.frames > 1:
            step = _frame_sizes(found)[0][0]
            if abs(step / along - 1) < NEARLY and np.median(chain.between) > LIKELY and chain.sides.mean() > LIKELY:
                return found
        count = round(piece.length / along)
        if count > 1 and abs(piece.length / (count * along) - 1) < EVENLY:
            ends = np.linspace(0, width, count + 1)
            spans = np.stack([ends[:-1], ends[1:]], axis=1)
            return Strip(strip.band, Chain(spans, width / count, 0.0, np.zeros((count, 2))), found.gaps)
    return strip
