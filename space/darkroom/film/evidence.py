"""Plain measurements of the film and of the scan, with units that a person can check.

Densities are of transmitted linear light, D = −log10 T, up to the brightness of the light, which no file states.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..taxonomy import NOT_NEGATIVES
from .film import Film
from .gate import Gate, picture_kinds
from .percentiles import percentiles

MASK_GONE = 0.20  # blue minus red density this far below the frame's median: the orange mask is missing
BARE = 0.35  # D; bare light in every channel, where even the clearest film keeps its base
OPAQUE, NEUTRAL = 1.4, 0.25  # D; retained silver is denser than this, and its channels no further apart than that
FLAT_SD, FLAT_SHARE = 0.008, 0.15  # D, and share of the frame's median: an unusually even neighbourhood
FLAT_SIDE = 15  # pixels of that neighbourhood
STOP = 0.15  # D a stop on the straight line of C-41 film
NORMAL_SPAN = 0.50  # D from the 5 % to the 95 % point of a well exposed frame
GREY = 0.005  # spread of colour over that of density: less than any film's, the channels are copies of one another
# Probability from which a picture, if there is anything in it, is called no colour negative, and from which it is
# called empty. Better miss a picture than refuse film.
NOT_NEGATIVE_FROM = 0.75
EMPTY_FROM = 0.75


@dataclass(frozen=True)
class Evidence:
    """Measurements of one scan.

    density_span: D between the 5 % and 95 % points of the frame, mean of the channels.
    below_base: share of the frame, 0…1, that is lighter than film can be, its mask colour missing (holes).
    opaque: share, 0…1, that is dense and neutral, without the mask's colour (retained silver).
    flat: share, 0…1, of neighbourhoods with next to no grain or texture.
    clipped: share, 0…1, with two channels or more at an end of the file's range; one alone is a strong colour.
    sharpness: 99 % point of the gradient a pixel over density_span; a soft or shaken scan is below 0.15.
    monochrome: spread of colour over the spread of density; 0 for a picture without colour.
    bits: bits a channel. jpeg_quality: 1…100, 100 where the file is no JPEG.
    positive, black_and_white, page, nothing: probability, 0…1, that it is this and no colour negative.
    """

    density_span: float
    below_base: float
    opaque: float
    flat: float
    clipped: float
    sharpness: float
    monochrome: float
    bits: int
    jpeg_quality: int
    positive: float = 0.0
    black_and_white: float = 0.0
    page: float = 0.0
    nothing: float = 0.0

    @property
    def stops_under(self) -> float:
        """Stops of underexposure that would thin a normal frame to this span; 0 for one with a normal span."""
        return max(0.0, (NORMAL_SPAN - self.density_span) / STOP)

    @property
    def scan_problem(self) -> str:
        """Why a better scan should be judged instead, or an empty string."""
        if self.clipped > 0.25:
            return "much of the scan is clipped: rescan with less contrast or another exposure"
        if self.sharpness < 0.04:
            return "the scan is blurred: focus on the film and rescan"
        if self.bits == 8 and self.jpeg_quality < 30:
            return "the file is compressed so hard that damage cannot be distinguished from artefacts: export it again"
        return ""

    @property
    def other_kind(self) -> str:
        """Which of `NOT_NEGATIVES` this is, or an empty string."""
        if self.nothing >= EMPTY_FROM:
            return "nothing"
        others = {kind: getattr(self, kind) for kind in NOT_NEGATIVES if kind != "nothing"}
        likely = sum(others.values()) >= NOT_NEGATIVE_FROM * (1 - self.nothing)  # if there is something in it
        if not likely and self.monochrome >= GREY:
            return ""
        kind = max(others, key=others.__getitem__)
        # Whatever else a grey picture may be, it is black and white.
        return "black_and_white" if self.monochrome < GREY and kind != "page" else kind

    @property
    def empty(self) -> bool:
        """Whether the frame is empty: wholly black, clear or evenly grey."""
        return self.other_kind == "nothing"

    @property
    def not_negative(self) -> str:
        """Why this is not a colour negative, or an empty string; a frame that holds nothing may well be one."""
        return "" if self.empty else NOT_NEGATIVES.get(self.other_kind, "")

    def lines(self) -> list[tuple[str, str, bool]]:
        """(what, value with its unit, whether it is as it should be), for people."""
        under = f" (about {self.stops_under:.0f} stops under)" if self.stops_under >= 0.5 else ""
        lines = [
            ("Density span", f"{self.density_span:.2f} D{under}", self.stops_under < 2),
            ("Lighter than film base", f"{self.below_base:.2%} of the frame", self.below_base < 0.0001),
            ("Opaque, mask colour gone", f"{self.opaque:.1%} of the frame", self.opaque < 0.02),
            ("Without grain or texture", f"{self.flat:.1%} of the frame", self.flat < 0.3),
            ("Clipped", f"{self.clipped:.1%} of the frame", self.clipped < 0.05),
            ("Sharpness", f"{self.sharpness:.2f} of the span a pixel", self.sharpness > 0.15),
            ("Bit depth", f"{self.bits} bits a channel", True),
        ]
        if self.jpeg_quality < 100:
            lines.append(("JPEG quality", f"about {self.jpeg_quality}", self.jpeg_quality >= 60))
        return lines


def measure(film: Film, gate: Gate | None = None) -> Evidence:
    """Measure a scan's film, on its small picture. gate: tells a colour negative from other pictures."""
    span = film.span
    holes = (film.mask_loss < -MASK_GONE) & (film.density.max(axis=-1) < BARE) & film.inside
    apart = np.abs(film.density - film.density.mean(axis=-1, keepdims=True)).max(axis=-1)
    opaque = (film.density.mean(axis=-1) > OPAQUE) & (apart < NEUTRAL) & film.inside
    grey = film.density.mean(axis=-1, dtype=np.float64)
    centred = (grey - grey.mean()).astype(np.float32)  # half the work, and the mean is what a square would lose
    variance = _around(centred * centred) - _around(centred) ** 2
    deviation = np.sqrt(np.maximum(variance, 0))
    usual = percentiles(deviation[film.inside][None], (50,))[0, 0]
    flat = (deviation < max(FLAT_SD, FLAT_SHARE * float(usual))) & film.inside
    steepest = percentiles(gradient(grey)[film.inside][None], (99,))[0, 0]
    low_end, high_end = film.scan.clipping_points
    ends = (((film.rgb <= low_end) | (film.rgb >= high_end)).sum(axis=-1) >= 2) & film.inside
    count = max(int(film.inside.sum()), 1)
    chances = picture_kinds(film.density, film.inside, gate)
    return Evidence(
        density_span=span,
        below_base=float(holes.sum() / count),
        opaque=float(opaque.sum() / count),
        flat=float(flat.sum() / count),
        clipped=float(ends.sum() / count),
        sharpness=float(steepest / max(span, 0.01)),
        monochrome=_colour_spread(film.values) / max(span, 0.01),
        bits=film.scan.bits,
        jpeg_quality=_jpeg_quality(film.scan.jpeg_tables),
        **{kind: chances[kind] for kind in NOT_NEGATIVES},
    )


def _around(plane: np.ndarray) -> np.ndarray:
    """(h, w): the mean of each pixel's neighbourhood. SciPy filters columns four times slower than rows."""
    across = uniform_filter1d(plane, FLAT_SIDE, axis=1)
    return np.ascontiguousarray(uniform_filter1d(np.ascontiguousarray(across.T), FLAT_SIDE, axis=1).T)


def gradient(grey: np.ndarray) -> np.ndarray:
    """(h, w): slope a pixel, by Sobel's operator, the border mirrored."""
    padded = np.pad(grey, 1, mode="symmetric")
    across, down = padded[:, 2:] - padded[:, :-2], padded[2:] - padded[:-2]
    across = across[:-2] + 2 * across[1:-1] + across[2:]
    down = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.sqrt(across * across + down * down) / 8


def _colour_spread(values: np.ndarray) -> float:
    """values: (3, n). Standard deviation, in D, of what a straight line from green density leaves of red and blue."""
    red, green, blue = values - values.mean(axis=1, keepdims=True)
    most = max(float((green * green).mean()), 1e-9)
    rest = [plane - green * (float((plane * green).mean()) / most) for plane in (red, blue)]
    return float(np.sqrt(np.mean([(plane * plane).mean() for plane in rest])))


def _jpeg_quality(tables: dict[int, list[int]] | None) -> int:
    """The libjpeg quality whose luminance table has this mean; the standard table's mean is 57.6 at quality 50."""
    if not tables:
        return 100
    mean = float(np.mean(tables[min(tables)]))
    scale = 100 * mean / 57.625
    return int(np.clip(round((200 - scale) / 2 if scale <= 100 else 5000 / scale), 1, 100))
