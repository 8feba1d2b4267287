"""Open a scan of film, and turn it into a positive.

scan = open_scan("frame.tif")
positive = invert(scan.rgb)
"""

import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .camera import TIFF_MAGIC
from .decode import decode
from .light import CODED_GAMMA as CODED_GAMMA
from .light import coded, is_linear, profiled, step_of, white_of
from .pairs import beside

if TYPE_CHECKING:
    from .infrared import Infrared

# OpenCV's 5-tap Gaussian: sigma = 0.3 * ((5 - 1) / 2 - 1) + 0.8 = 1.1.
GAUSSIAN_5 = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.1**2))
GAUSSIAN_5 /= GAUSSIAN_5.sum()

DARKEST = 1 / 512  # the black of a holder; half an 8-bit step, below which a density is only noise
LEAST_SPAN = 0.10  # log10 units; a thinner negative is not stretched further, so that it still looks thin


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
    jpeg_tables: dict | None = None
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
    def ends(self) -> tuple[float, float]:
        """The values of `small` at and beyond which the file is clipped: its own limits, a step of its depth inside."""
        step, white = step_of(self.small_pixels), white_of(self.small_pixels)
        low, high = np.full((1, 1, 3), step, np.float32), np.full((1, 1, 3), white - step, np.float32)
        if self.linear:
            low, high = coded(low, step), coded(high, step)
        elif self.icc and self.light == "auto":
            low, high = (x if (moved := profiled(x, self.icc)) is None else moved for x in (low, high))
        return float(low.max()) + 1e-7, float(high.min()) - 1e-7

    @property
    def darkest(self) -> float:
        """The value of `small` below which a density is only noise: half a step of the file's depth."""
        return min(DARKEST, step_of(self.small_pixels) / 2)

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
        from .infrared import on_picture, read_infrared

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

    @property
    def bits(self) -> int:
        """Bits a channel: 8, 16 or 32."""
        return 8 * self.small_pixels.dtype.itemsize


def unit(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8, uint16 or float32 as float32 in 0…1.

    Kept plane by plane, since all that is done with it is done a channel at a time.
    """
    full = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    planes = np.empty((3, *pixels.shape[:2]), np.float32)
    for c in range(3):
        np.divide(pixels[..., c], np.float32(full), out=planes[c], dtype=np.float32, casting="unsafe")
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
    pixels, kind, extra = decode(source, name, small=True, number=number)
    frames = count_frames(source) if kind == "TIFF" else 1
    own = beside(source) if infrared is None and isinstance(source, Path) else infrared
    return Scan(pixels, name, source, kind, number=number, frames=frames, light=light, infrared_file=own, **extra)


def count_frames(source: Path | bytes) -> int:
    """How many frames a file holds, by its directories alone: 1 but for a TIFF of several pages, and where it cannot
    be read, which is said when it is opened."""
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
            if file.read(4) not in TIFF_MAGIC:
                return 1
            from .tiff import frames_in

            file.seek(0)
            return frames_in(file)
    except Exception:  # decoders raise whatever they like on broken bytes
        return 1


def invert(rgb: np.ndarray, method: str = "cvt2pos") -> np.ndarray:
    """Make the positive of a negative.

    rgb: (H, W, 3) float in 0…1. Returns (H, W, 3) float32 in 0…1.
    method: "cvt2pos", the reference by which the labels were given, every value a multiple of 1/255; or "density",
    which works as a darkroom print does and is for looking.
    Raises ValueError for another method.
    """
    if method == "cvt2pos":
        return _cvt2pos(rgb)
    if method == "density":
        return _density_print(rgb)
    raise ValueError(f"unknown inversion {method!r}: use 'cvt2pos' or 'density'")


def _cvt2pos(rgb: np.ndarray) -> np.ndarray:
    planes = np.empty((3, *rgb.shape[:2]), np.float32)
    for c, plane in enumerate(planes):
        low, high = np.percentile(rgb[..., c], (1, 99))
        stretched = rgb[..., c] - low  # float64; in place from here on, since a new array a step is most of the time
        stretched /= max(high - low, 1e-6)
        np.clip(stretched, 0, 1, out=stretched)
        np.subtract(1, stretched, out=stretched)
        stretched *= 255
        plane[:] = np.trunc(stretched, out=stretched)
    means = planes.mean(axis=(1, 2), dtype=np.float64)
    for plane, factor in zip(planes, means.mean() / np.maximum(means, 1e-6), strict=True):
        plane *= np.float32(factor)
        np.rint(_blur_5(plane), out=plane)
        np.clip(plane, 0, 255, out=plane)
        plane /= 255
    return planes.transpose(1, 2, 0)


def _blur_5(plane: np.ndarray) -> np.ndarray:
    """5 × 5 Gaussian of (h, w) with the border reflected about its outermost pixel (reflect-101)."""
    height, width = plane.shape
    padded = np.pad(plane, 2, mode="reflect")
    rows, blurred, part = np.zeros((height, width + 4), plane.dtype), np.zeros_like(plane), np.empty_like(plane)
    for k, weight in enumerate(GAUSSIAN_5):
        rows += padded[k : k + height] * np.float32(weight)
    for k, weight in enumerate(GAUSSIAN_5):
        blurred += np.multiply(rows[:, k : k + width], np.float32(weight), out=part)
    return blurred


def log_density(rgb: np.ndarray, darkest: float = DARKEST) -> np.ndarray:
    """−log10 of the values as coded: density up to a factor (the coding's gamma) and an offset (the light)."""
    return -np.log10(np.maximum(rgb, darkest))


def _density_print(rgb: np.ndarray) -> np.ndarray:
    """Subtract the film base in density, balance the layers at their medians, print on a contrasty paper."""
    density = log_density(rgb)
    height, width = density.shape[:2]
    middle = density[height // 12 : height - height // 12, width // 12 : width - width // 12].reshape(-1, 3)
    base, median, top = np.percentile(middle, (0.5, 50, 99.5), axis=0)
    span = np.maximum(top - base, LEAST_SPAN)
    exposure = np.clip((density - base) / span, 0, 1)
    grey = np.clip((median - base) / span, 0.05, 0.95)
    exposure **= np.log(np.exp(np.log(grey).mean())) / np.log(grey)  # one exponent a layer: medians meet
    return (exposure * exposure * (3 - 2 * exposure)).astype(np.float32)
