"""Open a scan of film.

scan = open_scan("frame.tif")
positive = inversion.invert(scan.rgb)
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..files.decode import decode
from ..files.frame_count import count_frames
from ..files.light import coded, is_linear, profiled, step_of, white_of
from ..files.pairs import infrared_beside
from .inversion import DARKEST, log_density

if TYPE_CHECKING:
    from ..files.infrared import Infrared
    from .base import Base

BRIGHT = 0.5  # value from which a scan's brightest part counts as white: film is no clearer than its base


@dataclass(frozen=True, eq=False)
class Scan:
    """A picture of film, upright: small for judging and looking, and at full size for whoever asks.

    small_pixels: (h, w, 3) uint8, uint16 or float32, as `decode` makes them small. name: what to call it. source: the
    file, or its bytes. icc, exif: as in the file, for writing the positive. jpeg_tables: quantisation tables of a JPEG.
    number: of the frame in its file, from 0. frames: how many the file holds.
    light: "linear", "coded" or "auto", by the rule of `light`. infrared_file: its infrared, where `source` holds none.
    fourth: (h, w), the infrared that was decoded with the picture.
    """

    small_pixels: np.ndarray
    name: str
    source: bytes | Path = field(repr=False)
    format: str
    icc: bytes | None = None
    exif: bytes | None = None
    jpeg_tables: dict[int, list[int]] | None = None
    number: int = 0
    frames: int = 1
    light: str = "auto"
    infrared_file: Path | None = None
    fourth: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def small(self) -> np.ndarray:
        """(h, w, 3) float32 in 0…1, coded, in sRGB's primaries: what every verdict rests on, in training, scoring and
        on the page."""
        return self._working(self.small_pixels)

    @cached_property
    def linear(self) -> bool:
        """Whether the file's values are light itself; a file with a profile says it there."""
        return is_linear(self.small_pixels, self.format, self.icc, self.light)

    @property
    def as_coded(self) -> bool:
        """Whether `small` is just `small_pixels`, 8 bits: no profile, no linear light."""
        return self.small_pixels.dtype == np.uint8 and not self.icc and not self.linear

    @property
    def clipping_points(self) -> tuple[float, float]:
        """The values of `small` at and beyond which the file is clipped: its own limits, a step of its depth inside."""
        step, white = step_of(self.small_pixels), white_of(self.small_pixels)
        low, high = np.full((1, 1, 3), step, np.float32), np.full((1, 1, 3), white - step, np.float32)
        if self.linear:
            low, high = coded(low, step), coded(high, step)
        elif self.icc and self.light == "auto":
            low, high = (x if (moved := profiled(x, self.icc)) is None else moved for x in (low, high))
        return float(low.max()) + 1e-7, float(high.min()) - 1e-7

    @cached_property
    def darkest(self) -> float:
        """The value of `small` below which a density is only noise, or denser than film under this light can be: as of
        8 bits, and in a dark scan of more bits as many times less as it is darker than `BRIGHT`."""
        if self.small_pixels.dtype == np.uint8:
            return DARKEST
        return max(DARKEST * min(1.0, float(self.small.max()) / BRIGHT), step_of(self.small_pixels) / 2)

    @property
    def base(self) -> "Base | None":
        """The base of its film, where that was measured beside the frame."""
        return None

    @property
    def infrared(self) -> np.ndarray | None:
        """(h, w) float32 in 0…1 of the file's range, as light is, laid on `small`; None where the scanner took none."""
        return self._infrared.plane

    @property
    def infrared_seen(self) -> np.ndarray | None:
        """(h, w) bool: how far over the picture the infrared reaches; beyond that `infrared` is its mirror image."""
        return self._infrared.seen

    @property
    def infrared_note(self) -> str:
        """Why there is infrared but cannot be used, or an empty text."""
        return self._infrared.note

    @cached_property
    def _infrared(self) -> "Infrared":
        from ..files.infrared import on_picture, read_infrared

        read = read_infrared(self.source, self.name, self.number, self.fourth, self.infrared_file)
        if read.plane is None:
            return read
        return on_picture(read.plane, log_density(self.small, self.darkest).mean(axis=-1))

    def _working(self, pixels: np.ndarray) -> np.ndarray:
        rgb = unit(pixels)
        if self.linear:
            return coded(rgb, step_of(pixels))
        moved = profiled(rgb, self.icc) if self.icc and self.light == "auto" else None
        return rgb if moved is None else moved

    @cached_property
    def pixels(self) -> np.ndarray:
        """(H, W, 3) at full size, uint8, uint16 or float32 as the file has them; decoded when first asked for."""
        return decode(self.source, self.name, number=self.number)[0]

    @cached_property
    def rgb(self) -> np.ndarray:
        """(H, W, 3) float32 in 0…1, at full size, by the file's own profile; linear light without one is coded."""
        rgb = unit(self.pixels)
        return coded(rgb, step_of(self.pixels)) if self.linear else rgb

    def rows(self, rows: slice, channel: int) -> np.ndarray:
        """Some rows of a channel of `rgb`, (h, W), without the rest of it."""
        values = unit(self.pixels[rows, :, channel : channel + 1])[..., 0]
        return coded(values, step_of(self.pixels)) if self.linear else values

    @property
    def bits(self) -> int:
        """Bits a channel: 8, 16 or 32."""
        return 8 * self.small_pixels.dtype.itemsize


def unit(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) uint8, uint16 or float32 as float32 in 0…1.

    Kept plane by plane, since all that is done with it is done a channel at a time.
    """
    full = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    planes = np.empty((pixels.shape[2], *pixels.shape[:2]), np.float32)
    for c, plane in enumerate(planes):
        np.divide(pixels[..., c], np.float32(full), out=plane, dtype=np.float32, casting="unsafe")
    return planes.transpose(1, 2, 0)


def open_scan(
    source: str | Path | bytes,
    name: str | None = None,
    *,
    number: int = 0,
    light: str = "auto",
    infrared: Path | None = None,
) -> Scan:
    """Open JPEG, PNG, TIFF, WebP, HEIC, AVIF, JPEG XL, JPEG 2000 or a camera raw: whole numbers or 0…1; grey, palette,
    CMYK, CIELAB or RGB, with or without alpha.

    source: a path, or the file's bytes. name: what errors call it; the path unless given. number: of the frame in a
    TIFF of several pages, from 0. light: "linear" or "coded" where the rule in `light` is not to decide.
    infrared: the file that holds its infrared; `frame_IR.tif` beside a path `frame.*` unless given.
    Raises a `decode.ScanError` whose message is one line for the user.
    """
    name = name or ("upload" if isinstance(source, bytes) else str(source))
    source = source if isinstance(source, bytes) else Path(source)
    pixels, kind, extra = decode(source, name, small=1, number=number)
    frames = count_frames(source) if kind == "TIFF" else 1
    own = infrared_beside(source) if infrared is None and isinstance(source, Path) else infrared
    return Scan(pixels, name, source, kind, number=number, frames=frames, light=light, infrared_file=own, **extra)
