"""Memory of large arrays, kept by a process that makes many of them."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
LARGEST = 1 << 30  # bytes


def keep_memory() -> None:
    """Let this process keep what it frees for what it needs next, where glibc is: to be given each large array anew by
    the kernel is a tenth of the time that a frame takes."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            mallopt(option, LARGEST)
