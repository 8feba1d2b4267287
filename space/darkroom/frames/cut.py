"""A picture of several frames cut into scans of their own, each straightened.

for frame in cut(open_scan("strip.jpg")):      # named strip.jpg#1, strip.jpg#2, …
    judge.judge(frame)
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import zip_longest

import numpy as np
from PIL import Image

from ..files.decode import decode
from ..files.infrared import Infrared
from ..files.limits import MIN_SIDE, ScanError
from ..files.small import SMALL, rows_of
from ..film.base import Base
from ..film.scan import Scan
from .finder import find_frames
from .frame import Frame
from .geometry import perspective, projected

MOST_BYTES = 150_000_000  # of a picture that is decoded finer to be cut: 50 megapixels of 8 bits
FINEST = 64  # times finer than a picture of one frame is decoded, at most

_cutting = threading.Lock()  # one picture at a time is held that large


class OutlineError(ScanError):
    """An outline that holds no frame."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CutScan(Scan):
    """A frame of a picture as a scan. whole: the picture, whose light, profile, EXIF, infrared and clipping values hold
    for it. polygon: (4, 2), where it lies, as `Frame.polygon`; it is shown as it lies there. which: of the picture's
    frames, from 1; 0 for its only one. measured: the base of its strip, which all frames on it share."""

    whole: Scan = field(repr=False)
    polygon: np.ndarray
    which: int
    measured: Base | None = None

    @cached_property
    def linear(self) -> bool:
        """As of the whole picture: without the bright light around it, a frame's values say less."""
        return self.whole.linear

    @property
    def clipping_points(self) -> tuple[float, float]:
        """As of the whole picture, which shows the file's white."""
        return self.whole.clipping_points

    @cached_property
    def darkest(self) -> float:
        """As of the whole picture, which shows the light."""
        return self.whole.darkest

    @property
    def base(self) -> Base | None:
        """As measured on its strip's rebate and gaps."""
        return self.measured

    @cached_property
    def pixels(self) -> np.ndarray:
        """(H, W, 3) at full size; the picture is decoded for it, and let go."""
        with _cutting:
            whole = self.whole
            return resampled(decode(whole.source, whole.name, number=whole.number)[0], self.polygon)

    @cached_property
    def _infrared(self) -> Infrared:
        plane, seen, note = self.whole.infrared, self.whole.infrared_seen, self.whole.infrared_note
        if plane is None or seen is None:
            return Infrared(note=note)
        size = self.small_pixels.shape[:2]
        mine = resampled(np.stack([plane, seen.astype(np.float32)], axis=-1), self.polygon, size)
        return Infrared(np.ascontiguousarray(mine[..., 0]), mine[..., 1] > 0.99, note)


def cut(scan: Scan) -> list[Scan]:
    """The frames of a picture as scans, in reading order, called `name#1`, `name#2`…; an only frame amid rebate, a
    holder or bare light keeps the picture's name. Where no film is found apart from the picture, the scan itself.
    Raises ScanError where its file cannot be opened any more."""
    frames = find_frames(scan)
    if frames[0].whole:
        return [scan]
    polygons, bases = [frame.polygon for frame in frames], [frame.base for frame in frames]
    try:
        return [*cut_out(scan, polygons, bases=bases)]
    except OutlineError:  # a thumbnail: its frames are a few pixels
        return [scan]


def only_frame(scan: Scan, frames: Sequence[Frame] = ()) -> Scan:
    """The only frame of a picture, cut out if it lies amid rebate, a holder or bare light; of a strip the scan itself,
    all of it. What a verdict on a file is about. frames: those that `find_frames` gave, if it was asked already. Raises
    ScanError as `cut` does."""
    frames = frames or find_frames(scan)
    if len(frames) > 1 or frames[0].whole:
        return scan
    try:
        return cut_out(scan, [frames[0].polygon], bases=[frames[0].base])[0]
    except OutlineError:
        return scan


def cut_out(
    scan: Scan, polygons: Sequence[np.ndarray], first: int | None = None, bases: Sequence[Base | None] = ()
) -> list[CutScan]:
    """What lies inside each polygon (4, 2), its corners as shares of the picture's width and height, clockwise; called
    `name#first` and so on, or `name` if `first` is 0, as for an only one where it is not given. bases: of their film,
    where they were measured.

    The picture is decoded so fine that each has the detail that a picture of one frame is judged in, if the file has
    it, but never to more than `MOST_BYTES`. Raises OutlineError where a polygon is no convex outline of `MIN_SIDE`
    pixels and more, another ScanError where the file cannot be opened any more.
    """
    polygons = [np.clip(np.asarray(polygon, float).reshape(4, 2), 0, 1) for polygon in polygons]
    first = min(len(polygons) - 1, 1) if first is None else first
    finer = _finer(scan, polygons)
    kept = {one.name: getattr(scan, one.name) for one in fields(Scan)}
    found = []
    with _cutting:
        pixels = scan.small_pixels
        if finer > 1:
            pixels = decode(scan.source, scan.name, small=finer, number=scan.number)[0]
        for number, (polygon, base) in enumerate(zip_longest(polygons, bases), first):
            name = f"{scan.name}#{number}" if number else scan.name
            if not convex(polygon) or min(size_of(pixels, polygon)) < MIN_SIDE:
                raise OutlineError(
                    f"{name}: its outline holds no frame; give four corners, clockwise, {MIN_SIDE} pixels apart or more"
                )
            mine = {"small_pixels": resampled(pixels, polygon), "name": name, "fourth": None, "infrared_file": None}
            found.append(CutScan(**kept | mine, whole=scan, polygon=polygon, which=number, measured=base))
    return found


def _finer(scan: Scan, polygons: Sequence[np.ndarray]) -> int:
    """How many times finer the picture must be decoded, a power of two."""
    finer, whole = 1, scan.small_pixels
    sizes = [sorted(size_of(whole, polygon)) for polygon in polygons]
    while finer < FINEST and whole.nbytes * (2 * finer) ** 2 <= MOST_BYTES:
        if all(long * finer >= SMALL[0] and short * finer >= SMALL[1] for short, long in sizes):
            break
        finer *= 2
    return finer


def size_of(pixels: np.ndarray, polygon: np.ndarray) -> tuple[int, int]:
    """Height and width of what a polygon holds of a picture (h, w, C): the means of its opposite sides, in pixels."""
    corners = polygon * (pixels.shape[1], pixels.shape[0])
    top, right, bottom, left = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    return round((right + left) / 2), round((top + bottom) / 2)


def convex(polygon: np.ndarray) -> bool:
    """Whether a polygon (4, 2) turns to the right at each corner, y down: convex, clockwise, and not flat."""
    ahead = np.roll(polygon, -1, axis=0) - polygon
    after = np.roll(ahead, -1, axis=0)
    return bool((ahead[:, 0] * after[:, 1] - ahead[:, 1] * after[:, 0] > 1e-9).all())


def resampled(pixels: np.ndarray, polygon: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
    """What a polygon holds of a picture (h, w, C), straightened by perspective, at its depth; cubic, a few rows at a
    time. size: height and width of it, `size_of` unless given."""
    height, width = size or size_of(pixels, polygon)
    corners = polygon * (pixels.shape[1], pixels.shape[0])
    out = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    for rows in rows_of(height, width, 1):
        ends = np.array([(0, rows.start), (width, rows.start), (width, rows.stop), (0, rows.stop)], float)
        quad = projected(ends, perspective(corners, width, height))
        left, upper = np.maximum(np.floor(quad.min(axis=0)) - 3, 0).astype(int)  # with the neighbours of a cubic
        right, lower = np.ceil(quad.max(axis=0)).astype(int) + 3
        numbers = perspective(quad - (left, upper), width, rows.stop - rows.start)
        out[rows] = _transformed(pixels[upper:lower, left:right], numbers, width, rows.stop - rows.start)
    return out


def _transformed(part: np.ndarray, numbers: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, C) of a part of a picture; numbers: as `perspective` gives them."""

    def of(values: np.ndarray) -> np.ndarray:
        picture, kind, smooth = Image.fromarray(values), Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
        return np.asarray(picture.transform((width, height), kind, numbers.tolist(), smooth))

    if part.dtype == np.uint8 and part.shape[2] == 3:
        return of(np.ascontiguousarray(part))
    planes = np.stack([of(part[..., c].astype(np.float32)) for c in range(part.shape[2])], axis=-1)
    full = 1 if part.dtype.kind == "f" else np.iinfo(part.dtype).max
    planes = planes.clip(0, full)  # a cubic overshoots
    return planes if part.dtype.kind == "f" else np.rint(planes).astype(part.dtype)
