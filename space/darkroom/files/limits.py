"""Limits of a picture file, in pixels and in memory, and the errors of those that exceed them."""

import threading

MAX_PIXELS = 120_000_000  # a 6×7 cm frame at 4,000 dpi is 105 megapixels
MAX_BYTES = 12 * MAX_PIXELS  # of a TIFF, or of one of its tiles, unpacked: three layers of 32 bits, or five of 16
MOST_MEMORY = 700_000_000  # bytes that opening one picture may take; libraries and network take as much again
LARGE = 150_000_000  # bytes; pictures that take more to open are opened one after another
IN_PARTS = 4  # times as large a TIFF may be that is reduced while it is read, a few rows at a time
MIN_SIDE = 16  # nothing smaller shows a frame
LONGEST = 40  # times its other side; a whole roll in one strip is no longer


_opening, _mine = threading.Lock(), threading.local()


class ScanError(ValueError):
    """A file that cannot be judged; the message names it, says what is wrong and what to do."""


class MissingScan(ScanError):
    """There is no such file, or it may not be read."""


class EmptyScan(ScanError):
    """The file has no bytes, or no picture worth the name."""


class UnreadableScan(ScanError):
    """The bytes are no picture of a kind we know, or the picture is broken."""


class ScanTooLarge(ScanError):
    """More pixels than `MAX_PIXELS`."""


def too_large(name: str, width: int = 0, height: int = 0, times: int = 1) -> str:
    """The sentence for a picture of too many pixels; times: as for `check_size`."""
    size = f"{width} × {height} pixels are" if width else "its pixels are"
    return f"{name}: {size} more than {times * MAX_PIXELS // 1_000_000} megapixels; reduce it and try again"


def check_size(name: str, width: int, height: int, times: int = 1) -> None:
    """Raise ScanTooLarge or EmptyScan for what is too large or too narrow; ask before any pixel is decoded. times: of
    `MAX_PIXELS` that it may have."""
    if width * height > times * MAX_PIXELS:
        raise ScanTooLarge(too_large(name, width, height, times))
    if max(width, height) > LONGEST * max(min(width, height), MIN_SIDE):
        raise EmptyScan(f"{name}: {width} × {height} pixels are too narrow to show a frame; crop it to one")


def check_memory(name: str, needed: int) -> None:
    """Raise ScanTooLarge where a picture takes more bytes to open than we have; one that takes many waits until no
    other of the kind is being opened, and must be followed by `opened`."""
    if needed > MOST_MEMORY:
        much = f"{needed / 1e9:.1f} GB of memory, the limit is {MOST_MEMORY / 1e9:.1f}"
        raise ScanTooLarge(f"{name}: opening it would take {much}; save it as TIFF in strips or tiles, or reduce it")
    if needed > LARGE and not getattr(_mine, "turn", False):
        _opening.acquire()
        _mine.turn = True


def opened() -> None:
    """Let the next large picture be opened, where this thread was opening one."""
    if getattr(_mine, "turn", False):
        _mine.turn = False
        _opening.release()
