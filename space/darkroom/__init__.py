"""Is this colour negative readable or damaged?

>>> import darkroom
>>> judge = darkroom.load()  # the bundled model; a folder, "user/name" or "user/name@v1" on the Hub names another
>>> verdict = judge.judge("frame.jpg")
>>> verdict.verdict, verdict.found
('damaged', ['dye_removal'])
>>> scan = darkroom.open_scan("frame.jpg")
>>> positive = darkroom.invert(scan.rgb)  # (H, W, 3) float32 in 0…1
>>> positive.shape == scan.pixels.shape
True

What cannot be opened or loaded raises `files.decode.ScanError` or `hub.weights.WeightsError`, each with one sentence.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .film.inversion import invert
    from .film.scan import open_scan
    from .judge.verdict import load

__all__ = ["invert", "load", "open_scan"]

# Imported when first asked for: who inverts needs no network, and no library that runs one.
_ROOMS = {"invert": ".film.inversion", "load": ".judge.verdict", "open_scan": ".film.scan"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
