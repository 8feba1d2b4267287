"""Threads: their work a few items ahead, their memory shared."""

import re
import subprocess
import sys

import pytest

from darkroom.judge.prefetch import ARENAS, ahead

# What glibc says of itself, after 16 threads at once took memory and gave it back.
THREADS = """
import ctypes, sys
from threading import Barrier, Thread
from darkroom.judge.prefetch import share_memory
if sys.argv[1] == "shared":
    share_memory()
libc, together = ctypes.CDLL(None), Barrier(16)
def work():
    together.wait()
    for _ in range(200):
        bytearray(3000)
threads = [Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has arenas")
def test_threads_take_their_memory_from_two_arenas():
    def arenas(how: str) -> int:
        told = subprocess.run([sys.executable, "-c", THREADS, how], capture_output=True, text=True, check=True).stdout
        return len(re.findall("<heap nr=", told))

    assert arenas("shared") <= ARENAS < arenas("apart")


def test_work_is_begun_a_few_items_ahead_and_comes_in_order():
    begun = []
    done = ahead(lambda n: begun.append(n) or n * n, iter(range(100)), workers=1, most=3)
    assert [next(done) for _ in range(4)] == [0, 1, 4, 9]
    assert len(begun) <= 7
    done.close()
