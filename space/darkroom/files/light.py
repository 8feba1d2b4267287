"""Whether a file holds light as it is or coded for display, and its numbers made those of the working space.

The working space is sRGB's primaries with values coded as light ** (1 / 2.2), as nearly every file has them. What a
file is says how it gets there: an ICC profile by its curve and primaries; 8 bits, phones' files and developed raws are
coded; 16-bit TIFF and PNG without a profile are linear, as scanners write raw data, if their median is below `DARK`.
"""

import numpy as np

LIGHTS = ("auto", "linear", "coded")
CODED_GAMMA = 2.2  # a file made for display stores roughly light ** (1 / 2.2)
DARK = 0.12  # median of the file's range: a negative passes little light, and coding brightens it
UNPROFILED = ("TIFF", "PNG")  # formats that scanners write linear light into
SAME = 1 / 255  # a profile that moves no colour further than this is sRGB


def step_of(pixels: np.ndarray) -> float:
    """The smallest step of the file's values, as a share of their range."""
    return 1 / 65535 if pixels.dtype.kind == "f" else 1 / np.iinfo(pixels.dtype).max


def white_of(pixels: np.ndarray) -> float:
    """The file's own white, as a share of its range: scanners put 10, 12 or 14 bits into 16, at the lower or the upper
    end. The least such white that no value is above."""
    if pixels.dtype != np.uint16:
        return 1.0
    whites = sorted({(1 << bits) - 1 << up for bits in range(8, 17) for up in (0, 16 - bits)})
    return next(white for white in whites if white >= pixels.max()) / 65535


def is_linear(pixels: np.ndarray, kind: str, icc: bytes | None, light: str) -> bool:
    """pixels: as decoded. kind: the file's format. light: one of `LIGHTS`; "auto" follows the module's rule. A profile
    speaks for itself, so that with one this is False unless it was said. Raises ValueError for another light."""
    if light not in LIGHTS:
        raise ValueError(f"unknown light {light!r}: use {', '.join(LIGHTS)}")
    if light != "auto":
        return light == "linear"
    if icc or kind not in UNPROFILED or pixels.dtype.itemsize == 1:
        return False
    full = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    return float(np.median(pixels)) / full < DARK


def coded(rgb: np.ndarray, step: float) -> np.ndarray:
    """Linear light as coded values; below half a step of the file there is only noise."""
    return np.maximum(rgb, step / 2) ** np.float32(1 / CODED_GAMMA)


def profiled(rgb: np.ndarray, icc: bytes) -> np.ndarray | None:
    """(h, w, 3) float32 in 0…1 by a file's RGB profile in sRGB; None where the profile is sRGB, or is none of RGB."""
    import imagecodecs

    if len(icc) < 132 or icc[16:20] != b"RGB ":
        return None

    def convert(values: np.ndarray) -> np.ndarray:
        srgb = imagecodecs.cms_profile("srgb")
        done = imagecodecs.cms_transform(
            np.ascontiguousarray(values, np.float32), icc, srgb, colorspace="rgb", outcolorspace="rgb", outdtype="f4"
        )
        return done.clip(0, 1)

    steps = np.linspace(0, 1, 9, dtype=np.float32)
    probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    try:
        return None if np.abs(convert(probe) - probe).max() < SAME else convert(rgb)
    except Exception:  # a broken profile says nothing
        return None
