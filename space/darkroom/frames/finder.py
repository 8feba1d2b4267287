"""Frames of a picture: pieces of film on their surround, and on each the chain of equal frames that explains it.

What is tried: pieces on a light surround (a light table, a phone's screen, a sleeve), pieces on a black one (a holder,
a print), the whole picture as one piece. The first with sprocket holes is taken, or else the one with most frames; if
film speaks for none, the picture is one frame. A wrong cut ruins a verdict, a missing one only leaves it as it was: so
cuts need evidence.
"""

import numpy as np
from PIL import Image

from ..film.scan import Scan
from .bands import Band, band_of
from .frame import Frame, whole_picture
from .layout import credible, on_one, perforated
from .order import frames_of
from .pieces import BLACKS, LEVELS, Piece, pieces_of, surround, without_bars
from .strips import Strip, strips_of

PIXELS = 320_000  # that a picture is reduced to
STRIPS = 24  # pieces of a picture that are looked at for frames
WHOLE = 0.85  # share of the picture that a piece covers at most; more is the picture itself
NARROW = 0.03  # of the picture's short side that film is broad at least
LONGEST = 60  # times as long as broad that film is at most
STRAIGHT = 0.65  # how straight a piece's sides are at least
ROUGHLY = 0.5  # the same, on a picture of half the size
EVEN = 0.6  # share of what lies around film that is even, unless holes tell that it is film
BORDER = 0.7  # share of the picture's border that is a black surround
REACHED = 0.3, 0.5  # share of the picture's border that a light surround has at least, and a black one
LONG = 1.6  # times as long as broad that a picture without holes is before it is taken for a strip


def find_frames(scan: Scan) -> list[Frame]:
    """The frames of a picture in reading order: row by row from above, from left to right; strips that lie upright
    column by column. Never none: where no film is found apart from the picture, the whole of it is one frame."""
    view = reduced(scan)
    if min(view.shape[:2]) < 24:
        return [whole_picture()]
    light = np.maximum(np.percentile(view[::2, ::2].reshape(-1, 3), 99.5, axis=0), 16).astype(np.float32)
    planes = [view[..., c] / light[c] for c in range(3)]  # NumPy is slow along an axis of three
    weakest, strongest = (either(either(planes[0], planes[1]), planes[2]) for either in (np.minimum, np.maximum))
    layouts = [
        _on_surround(view, light, weakest, LEVELS, black=False),
        _on_surround(view, light, strongest, BLACKS, black=True),
        _filling(view, light),
    ]
    layouts.sort(key=_weight_of_layout, reverse=True)
    frames = [frames_of(strips, view, light) for strips in layouts if strips]
    return next((found for found in frames if found), [whole_picture()])


def _weight_of_layout(strips: list[Strip]) -> float:
    """Holes tell of film, wherever; without any, the layout with most frames: dark pictures on clear rebate look like
    lone frames on a light table."""
    return np.inf if perforated(strips) else sum(strip.frames for strip in strips)


def reduced(scan: Scan) -> np.ndarray:
    """(h, w, 3) uint8 of at most `PIXELS`."""
    height, width = scan.small_pixels.shape[:2]
    scale = min(1.0, (PIXELS / (height * width)) ** 0.5)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scan.as_coded:
        picture = Image.fromarray(scan.small_pixels)
    else:
        planes = [Image.fromarray((scan.small[..., c].clip(0, 1) * 255).astype(np.uint8)) for c in range(3)]
        picture = Image.merge("RGB", planes)
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def _on_surround(
    view: np.ndarray, light: np.ndarray, seen: np.ndarray, levels: tuple[float, ...], *, black: bool
) -> list[Strip]:
    """The strips on an even surround. seen: (h, w) of the light's value, of the strongest channel if the surround is
    black, else of the weakest. Of the levels that one is taken at which most of the picture lies in straight pieces,
    and most of all in such with sprocket holes; of those that are as good the one farthest from the surround, which is
    not even everywhere."""
    best, mask, most = [], np.zeros(0, bool), 0.0
    for level in levels[::-1]:
        film = seen > level if black else seen < level
        if 1 - np.concatenate([film[0], film[-1], film[:, 0], film[:, -1]]).mean() < REACHED[black]:
            continue  # as in most pictures of one frame
        film = without_bars(film)
        if not any(piece.unbroken > ROUGHLY for piece in pieces_of(film[::2, ::2])):  # a quarter of the time
            continue
        pieces = [piece for piece in pieces_of(film) if _may_be_film(piece, film.shape)][:STRIPS]
        bands = [band_of(view, light, piece, level, black) for piece in pieces]
        value = sum(band.piece.size * band.piece.straight**4 * _weight(band) for band in bands)
        if value > 1.03 * most and (_even(bands, film, black) or any(band.holes for band in bands)):
            best, mask, most = bands, film, value
    if not best:
        return []
    strips = credible(strips_of(best), view.shape[:2])
    return strips if _even([strip.band for strip in strips], mask, black) or perforated(strips) else []


def _even(bands: list[Band], mask: np.ndarray, black: bool) -> bool:
    """Whether what lies around them is an even surround. mask: as `pieces_of` takes it."""
    around, border = surround([band.piece for band in bands], mask)
    return around > EVEN and (border > BORDER or not black)


def _weight(band: Band) -> int:
    """How much a piece says that its level is right."""
    upper, _, lower, _ = band.piece.cut
    return 3 if band.holes else 0 if upper or lower else 1


def _may_be_film(piece: Piece, shape: tuple[int, int]) -> bool:
    return (
        piece.unbroken > STRAIGHT
        and piece.size < WHOLE * shape[0] * shape[1]
        and piece.breadth > NARROW * min(shape)
        and piece.length < LONGEST * piece.breadth
    )


def _filling(view: np.ndarray, light: np.ndarray) -> list[Strip]:
    """The strip that the whole picture is: film with holes along it, or a long picture with plain gaps."""
    height, width = view.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    along = Piece(corners, 1.0, 1.0, (True,) * 4)
    down = Piece(corners[[1, 2, 3, 0]], 1.0, 1.0, (True,) * 4)
    bands = [band_of(view, light, piece, 2.0, False) for piece in (along, down)]
    perforated = [band for band in bands if band.holes is not None]
    long = [band for band in bands if band.piece.length > LONG * band.piece.breadth]
    return on_one(strips_of((perforated or long)[:1]))
