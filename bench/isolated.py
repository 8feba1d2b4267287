"""Judge files in a process of their own, by the road of a roll, with its time and memory measured and bounded.

A decoder that ends the interpreter ends a case and no more.
"""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

import hostile

SECONDS = 2.0  # of a processor that a file may take, of a roll each of its files
DECODING = 0.05  # seconds more for a megapixel of a huge picture, which its decoder takes
GIGABYTES = 1.5  # resident memory of the whole process
MOST_SECONDS, PATIENCE = 30, 600  # of a processor, and on the clock, until a case is given up


class Outcome(NamedTuple):
    """What became of a case: its verdicts and sentences, seconds of processor time, GB at most. wrong: in a few words
    the first thing that was not as it should be, or an empty text."""

    said: list[str]
    seconds: float
    gigabytes: float
    wrong: str


def judged(judge, path: Path) -> list[str]:
    """What is said of a file's frames: verdicts and sentences."""
    from darkroom.files.archive import frames_in_uploads
    from darkroom.judge.roll import judge_roll

    frames = judge_roll(judge, frames_in_uploads([path], path.parent / "unpacked"), 0.5)
    return [frame.error or frame.verdict.reason for frame in frames]


def measured(road, judge, case: hostile.Case) -> Outcome:
    """Put a case into a file, judge it, and see what that cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"case.{case.suffix}")
        path.write_bytes(case.data)
        forget_peak()
        used = int(time.process_time()) + MOST_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (used, resource.RLIM_INFINITY))  # at which the kernel ends the process
        begun, said, wrong = time.process_time(), [], ""
        try:
            said = road(judge, path)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            wrong = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        seconds, gigabytes = time.process_time() - begun, peak()
    for sentence in said:
        if not sentence or "\n" in sentence or "could not be judged" in sentence or folder in sentence:
            wrong = wrong or f"no sentence: {sentence[:80]!r}"
    if gigabytes > GIGABYTES:
        wrong = wrong or "too large"
    if seconds > SECONDS * max(len(said), 1) + DECODING * case.megapixels:
        wrong = wrong or "too slow"
    return Outcome(said, seconds, gigabytes, wrong)


def forget_peak() -> None:
    """Let the kernel count the largest resident memory from here on, where it can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """The largest resident memory since `forget_peak`, in GB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)


def work(connection, road, weights: Path | None) -> None:
    """The other process: judge what comes until nobody sends any more. Decoders write what they like to stderr."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    from darkroom.film.film import CELL
    from darkroom.judge.verdict import load

    judge = load(weights)
    blank = np.zeros((1, 3, CELL, CELL), np.uint8)
    for each in (judge, judge.one_core):  # starting them is no file's own time
        each.run(blank, np.ones(1, np.float32))
    connection.send("ready")
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        connection.send(measured(road, judge, case))


class Worker:
    """A process that judges, and is started again when a case has ended it. road: what it does with a file."""

    def __init__(self, weights: Path | None = None, road=judged):
        self.weights, self.road = weights, road
        self.process = None

    def judge(self, case: hostile.Case) -> Outcome:
        """Judge a case in the other process."""
        if self.process is None:
            self._start()
        begun = time.monotonic()
        try:
            self.connection.send(case)
            if self.connection.poll(PATIENCE):
                return self.connection.recv()
            wrong = f"no end within {PATIENCE} s"
        except (EOFError, OSError):
            self.process.join()
            endless = self.process.exitcode == -signal.SIGXCPU
            code = f"the interpreter ended ({self.process.exitcode})"
            wrong = f"no end within {MOST_SECONDS} s of a processor" if endless else code
        self.stop()
        return Outcome([], time.monotonic() - begun, 0, wrong)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, self.road, self.weights), daemon=True)
        self.process.start()
        other.close()
        self.connection.recv()

    def stop(self) -> None:
        """End the other process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.connection.close()
            self.process = None
