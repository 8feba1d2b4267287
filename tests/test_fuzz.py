"""A hundred seeded cases of `make fuzz`."""

import sys
from pathlib import Path

import pytest
from darkroom.verdict import Judge, load

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import fuzz  # noqa: E402


@pytest.fixture(scope="module")
def judge(weights: Path) -> Judge:
    return load(weights)


@pytest.mark.parametrize("start", range(0, 100, 10))
def test_a_broken_or_hostile_file_ends_in_a_verdict_or_one_sentence(judge: Judge, start):
    for number in range(start, start + 10):
        name, seconds, said = fuzz.run(judge, number)
        assert all(sentence and "\n" not in sentence and "could not be judged" not in sentence for sentence in said), (
            said
        )
        assert seconds < 2 * fuzz.SECONDS, name  # two threads of the network wait for one another on a busy machine
