"""What a found frame is: its outline, format and travel."""

from dataclasses import dataclass

import numpy as np

from ..film.base import Base

# Length and height of the picture area in mm, along and across the film (ISO 1007, ISO 732).
FORMATS = {
    "35 mm": (36.0, 24.0),
    "half-frame": (18.0, 24.0),
    "6×4.5": (41.5, 56.0),
    "6×6": (56.0, 56.0),
    "6×7": (70.0, 56.0),
    "6×9": (84.0, 56.0),
}
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a picture.

    polygon: (4, 2) float, its corners as shares of the picture's width and height (0…1), clockwise on the picture from
    the upper left. confidence: 0…1, that this is one whole frame. format: a key of `FORMATS`, or "unknown".
    travel: degrees in (−45, 135] clockwise from the picture's x axis of the line along which the film ran; which of its
    two ends came first is not known. strip: number of the strip it lies on, from 0. base: the strip's film base, where
    rebate or gaps show it. whole: whether the frame is the whole picture, because nothing around it was found.
    """

    polygon: np.ndarray
    confidence: float
    format: str = UNKNOWN
    travel: float = 0.0
    strip: int = 0
    base: Base | None = None
    whole: bool = False


def whole_picture() -> Frame:
    """The frame that is all of the picture."""
    return Frame(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float), 1.0, whole=True)


def named(ratio: float, perforated: bool | None) -> str:
    """The format of frames whose length along the film is `ratio` times their height. perforated: whether sprocket
    holes were seen, None where that side of the film does not show."""
    best, off = UNKNOWN, 0.1
    for name, (length, height) in FORMATS.items():
        if perforated is not None and perforated != (height < 30):
            continue
        error = abs(np.log(ratio * height / length))
        if error < off:
            best, off = name, error
    return best
