"""Which strips are believed to be film."""

import numpy as np

from .alike import NEARLY, by_the_others
from .frame import FORMATS
from .gaps import Chain
from .strips import CLEAR, SEEN, Strip, unit

BOUNDARY = 0.55  # what speaks at least for an edge of a lone frame
# What speaks at least for the places between two frames and for all edges, where no holes tell of film: on a piece that
# may be one frame, and on one that is too long to be one.
STRICT, LOOSE = (0.9, 0.9), (0.5, 0.5)
SHORT, HALF = (0.85, 0.7), 0.65  # the same two on short perforated film; between half-frames
TWO = 1.8  # times as long as broad that one frame is at most
# The same two where film fills the picture: without holes, with some, with both rows.
PLAIN = (0.9, 0.88), (0.85, 0.8), (0.6, 0.65)
FEW = 0.95  # the latter where there are fewer than three frames, and not both rows of holes
ALIKE = 0.2  # by which strips of one picture differ in breadth
GRID = 0.15  # by which pieces that are one frame each differ in length and breadth
PARTLY = 0.6  # of such a frame's length, that scissors leave of one at least
CENTRE, LARGE = 0.15, 0.05  # of the picture: how far a lone frame lies from its middle, and how large it is
TRIMMED = 0.75  # of a lone piece's length that is its frame, at least
COVERED = 0.07, 0.3  # share of the picture that such pieces are at least: three straight ones and more, any two
BARE = 0.3  # share of a piece that is light or holder, at most
ALONE = 0.9, 1.3  # times as long as a frame is the film at least and at most on which it lies alone
PART = 0.2  # of the picture's long side that film with holes is long, at least
STRAIGHT = 0.9  # how straight the sides of film without holes are
HOLED = 0.65  # the same of film with holes, of which not all are seen
ADJOINED = 0.85  # the same where its frames are plain: something else on the table may touch its end
ROW = 0.9, 0.7, 0.1  # what speaks then for the places between frames, each, and for all edges; share of the picture
LONE = 0.95, 0.9  # how straight a lone frame is, and what speaks for either of its ends
BROAD = 0.06  # of the picture's short side that film without holes is broad, at least


def credible(strips: list[Strip], shape: tuple[int, int]) -> list[Strip]:
    """The strips that are film, if that is likely of any of them. shape: of the reduced picture."""
    found = strips
    strips = [_settled(strip) for strip in found if strip.band.bare.mean() < BARE]
    film = [strip for strip in strips if _like_film(strip, shape)]
    sure = [s for s in film if s.band.holes is not None] or [s for s in film if s.frames > 1]
    if not perforated(sure) and sum(s.band.piece.size for s in sure) < LARGE * shape[0] * shape[1]:
        sure = []
    if not sure:
        if alike := _pieces_alike(strips, shape):
            return [s for s in by_the_others(strips, found) if s in alike or s.frames > 1]
        sure = [s for s in film if _lone(s, shape)]
    if not sure:
        return []
    breadth = np.median([s.band.piece.breadth for s in sure])
    return by_the_others([s for s in film if _as_broad(s, breadth)], found)


def _as_broad(strip: Strip, breadth: float) -> bool:
    """Whether a strip is as broad as others are, or as long: a lone frame may lie across the film."""
    piece = strip.band.piece
    sides = (piece.breadth, piece.length) if strip.frames == 1 else (piece.breadth,)
    return any(abs(side / breadth - 1) < ALIKE for side in sides)


def on_one(strips: list[Strip]) -> list[Strip]:
    """The strip that fills the picture, if its frames are plain, or if it is one frame between two rows of holes; else
    nothing."""
    strips = [_settled(strip) for strip in strips]
    return [s for s in strips if (s.chain and s.frames > 1 and _plain(s, s.chain)) or _between_holes(s)]


def _between_holes(strip: Strip) -> bool:
    holes = strip.band.holes
    frames = strip.band.values.shape[1] / (unit(strip.band) * FORMATS["35 mm"][0])
    return holes is not None and holes.both and holes.complete and strip.frames == 1 and ALONE[0] < frames < ALONE[1]


def _plain(strip: Strip, chain: Chain) -> bool:
    """By the edges that the picture shows, of frames that are more than half in it."""
    holes, width = strip.band.holes, strip.band.values.shape[1]
    ends = np.clip(chain.spans, 0, width)
    most = np.diff(ends, axis=1)[:, 0] > 0.5 * chain.length
    shown = (chain.spans > 0) & (chain.spans < width) & most[:, None]
    if not most.any():
        return False
    between, sides = PLAIN[0 if holes is None else 2 if holes.both and holes.complete else 1]
    if most.sum() < 3 and between > PLAIN[2][0]:
        sides = FEW
    return bool(chain.between[most[:-1] | most[1:]].min() >= between and chain.sides[shown].mean() >= sides)


def perforated(strips: list[Strip]) -> bool:
    """Whether holes are seen along any of them."""
    return any(strip.band.holes is not None for strip in strips)


def _like_film(strip: Strip, shape: tuple[int, int]) -> bool:
    """Whether a piece may be film: with holes along it, it is long enough; without, it is broad and straight, and the
    picture cuts neither of its long sides."""
    band, cut = strip.band, strip.band.piece.cut
    if (holes := band.holes) is not None and band.piece.length > PART * max(shape):
        return band.piece.straight > HOLED or (holes.both and holes.complete)
    straight = band.piece.unbroken > ADJOINED if _plain_row(strip, shape) else band.piece.straight > STRAIGHT
    return straight and not (cut[0] or cut[2]) and band.piece.breadth > BROAD * min(shape)


def _plain_row(strip: Strip, shape: tuple[int, int]) -> bool:
    """Whether frames in a row are so plain, and so large, that it is film whatever adjoins its end."""
    chain, size = strip.chain, strip.band.piece.size / (shape[0] * shape[1])
    plain = chain is not None and strip.frames > 1 and chain.between.min() >= ROW[0] and chain.sides.mean() >= ROW[1]
    return bool(plain and size > ROW[2])


def _lone(strip: Strip, shape: tuple[int, int]) -> bool:
    """Whether a straight, large piece is as long as a frame, and lies wholly in the picture."""
    chain, piece = strip.chain, strip.band.piece
    ends = chain is not None and strip.frames == 1 and chain.sides.min() > LONE[1]
    return bool(ends and piece.straight > LONE[0] and not any(piece.cut)) and piece.size > LARGE * shape[0] * shape[1]


def _settled(strip: Strip) -> Strip:
    """The strip, without a chain where too little speaks for one."""
    chain = strip.chain
    if chain is None or chain.score <= 0:
        return Strip(strip.band, None, None)
    if strip.band.holes:
        return strip if strip.frames == 1 or _told_apart(strip, chain) else Strip(strip.band, None, None)
    if strip.frames == 1:
        near = chain.sides.min() > BOUNDARY and chain.length > TRIMMED * strip.band.values.shape[1]
        return strip if near and _rebate_beyond(strip, chain) else Strip(strip.band, None, None)
    piece = strip.band.piece
    ends = np.clip(chain.spans, 0, strip.band.values.shape[1])
    whole = (np.diff(ends, axis=1)[:, 0] > SEEN[0] * chain.length).sum()
    between, sides = STRICT if piece.length < TWO * piece.breadth else LOOSE
    if whole < 2 or np.median(chain.between) < between or chain.sides.mean() < sides:
        return Strip(strip.band, None, None)
    return strip


def _rebate_beyond(strip: Strip, chain: Chain) -> bool:
    """Whether all that a lone frame leaves of its piece is bare film, blurred columns at the ends apart."""
    full = strip.gaps.full if strip.gaps else np.zeros(0)
    start, stop = np.clip(chain.spans[0], 0, len(full)).astype(int)
    beyond = full[2:start], full[stop : len(full) - 2]
    return all(part.mean() > CLEAR for part in beyond if len(part) > 2)


def _told_apart(strip: Strip, chain: Chain) -> bool:
    """Whether frames of perforated film are plain enough: the shorter the film, or its frames, the more so, since one
    frame with a line in it must not become two."""
    long = unit(strip.band) * FORMATS["35 mm"][0]
    between = float(np.median(chain.between))
    if strip.band.values.shape[1] < TWO * long:
        return between >= SHORT[0] and float(chain.sides.mean()) >= SHORT[1]
    return chain.length > 0.9 * long or between >= HALF


def _pieces_alike(strips: list[Strip], shape: tuple[int, int]) -> list[Strip]:
    """Pieces that are a frame each, as many as are alike, if they are much of the picture."""
    if len(strips) == 1:
        return strips if _one_frame(strips[0], shape) else []
    if len(strips) < 2:
        return []
    sizes = np.array([(s.band.piece.length, s.band.piece.breadth) for s in strips])
    middle = np.median(sizes, axis=0)
    ratios = sizes / middle
    alike = [s for s, one in zip(strips, ratios, strict=True) if np.abs(one - 1).max() < GRID]
    cut = (ratios[:, 0] > PARTLY) & (ratios[:, 0] <= 1 - GRID) & (np.abs(ratios[:, 1] - 1) < NEARLY)  # by scissors
    covered = sum(s.band.piece.size for s in alike) / (shape[0] * shape[1])
    ratio = middle[0] / middle[1]
    if len(alike) < 2:
        return []
    straight = np.median([s.band.piece.straight for s in alike])
    least = COVERED[0] if len(alike) > 2 and straight > 0.95 else COVERED[1]
    if len(alike) < 0.7 * len(strips) or covered < least or ratio > TWO:
        return []
    return [s for s, shorter in zip(strips, cut, strict=True) if shorter or s in alike]


def _one_frame(strip: Strip, shape: tuple[int, int]) -> bool:
    """Whether the only piece is a frame amid its surround, and not the thin half of one whose rest is opaque."""
    piece = strip.band.piece
    off = np.abs(piece.quad.mean(axis=0) / shape[::-1] - 0.5).max()
    height = strip.band.values.shape[0]
    ratio = strip.band.values.shape[1] / height
    return piece.straight > 0.93 and off < CENTRE and ratio < TWO and piece.size > LARGE * shape[0] * shape[1]
