"""Work done in threads a few items ahead of whoever asks for it."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

# Cores that this process may use: as many threads compute at once, in the network and around it.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
