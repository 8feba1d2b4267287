"""Work done in threads a few items ahead of whoever asks for it; and the memory that threads share."""

import ctypes
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

# Cores that this process may use: as many threads compute at once, in the network and around it.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

M_ARENA_MAX, ARENAS = -8, 2  # of mallopt(3)


def share_memory() -> None:
    """Let all threads of this process take their memory from two arenas, where glibc is; to be called before there are
    any. By itself every thread keeps what it once needed, so that a process of many threads grows and grows."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def ahead(work: Callable[[Item], Done], items: Iterable[Item], workers: int, most: int) -> Iterator[Done]:
    """What `work` makes of each item, in their order, made in `workers` threads at most `most` items ahead of who asks;
    never more, so that memory stays bounded however many there are."""
    waiting = iter(items)
    pool = ThreadPoolExecutor(workers)
    try:
        begun = deque(pool.submit(work, item) for item in islice(waiting, most))
        while begun:
            yield begun.popleft().result()
            begun.extend(pool.submit(work, item) for item in islice(waiting, 1))
    finally:  # also when the caller stops listening: what has not begun is not begun
        pool.shutdown(wait=False, cancel_futures=True)
