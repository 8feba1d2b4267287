"""A hundred cases of `make fuzz`, and that it notices failures."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import fuzz
import hostile
import isolated


def obedient(_judge: object, path: Path) -> list[str]:
    """A way to judge that does what the file says."""
    word = path.read_bytes()
    if word == b"crash":
        os.abort()
    if word == b"spin":
        while True:
            pass
    if word == b"fill":
        return [f"{np.ones(200_000_000).sum():.0f} is the sum."]
    if word == b"work":
        begun = time.process_time()
        while time.process_time() < begun + 1.2 * isolated.SECONDS:
            pass
    return [] if word == b"raise" and {}["key"] else [word.decode()]


def clumsy(_judge: object, path: Path) -> list[str]:
    """A way to judge that fails on what Hypothesis often draws."""
    assert path.suffix != ".png"
    return ["A verdict."]


@pytest.fixture
def worker(request: pytest.FixtureRequest, weights: Path) -> Iterator[isolated.Worker]:
    worker = isolated.Worker(weights, request.param)
    yield worker
    worker.stop()


@pytest.mark.parametrize("worker", [isolated.judged], indirect=True, ids=["as a roll"])
def test_a_hundred_hostile_files_end_in_a_verdict_or_one_sentence_in_bounded_time_and_memory(worker):
    found = fuzz.search(worker, 100)
    assert not found.wrong and found.cases == 100
    assert found.slowest[0] > 0 and 0 < found.largest[0] < isolated.GIGABYTES


@pytest.mark.parametrize("worker", [obedient], indirect=True, ids=["what the file says"])
def test_it_survives_a_crash_and_names_all_that_goes_wrong(worker, monkeypatch):
    for word, wrong in {
        "crash": "the interpreter ended (-6)",
        "A verdict.": "",
        "two\nlines": "no sentence",
        "raise": "KeyError at test_fuzz.py:",
        "fill": "too large",
        "work": "too slow",
    }.items():
        outcome = worker.judge(hostile.Case(word, "txt", word.encode()))
        assert outcome.wrong.startswith(wrong) and bool(outcome.wrong) == bool(wrong), word
    monkeypatch.setattr(isolated, "PATIENCE", 3)
    assert worker.judge(hostile.Case("spin", "txt", b"spin")).wrong == "no end within 3 s"
    assert not worker.judge(hostile.Case("well", "txt", b"well")).wrong


@pytest.mark.parametrize("worker", [clumsy], indirect=True, ids=["an assertion"])
def test_what_goes_wrong_is_shrunk_and_reported_once(worker, tmp_path, capsys):
    found = fuzz.search(worker, 60)
    ((wrong, case),) = found.wrong.items()
    assert wrong.startswith("AssertionError at test_fuzz.py:") and found.cases == 60
    assert case.suffix == "png" and len(case.data) < 200, "the smallest there is"
    assert not capsys.readouterr().err
