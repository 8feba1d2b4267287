"""The words of the page, without a browser."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom.film.evidence import Evidence
from darkroom.judge.calibration import Calibration
from darkroom.judge.resnet import DEFECTS
from darkroom.judge.verdict import Verdict
from page import words
from page.judging import Seen

CLEAN = Evidence(0.5, 0.0, 0.0, 0.1, 0.0, 0.3, 0.4, bits=16, jpeg_quality=100)
POOR = Evidence(0.1, 0.0003, 0.3, 0.9, 0.4, 0.1, 0.4, bits=8, jpeg_quality=40)


def verdict(evidence: Evidence = CLEAN, p: float = 0.05) -> Verdict:
    defects, heat = dict.fromkeys(DEFECTS, p), np.full((16, 16), p, np.float32)
    return Verdict("a.jpg", "check", 0.6, defects, heat, evidence, "Why.", 0.5, Calibration.identity(DEFECTS))


def test_each_unusual_measurement_says_in_words_of_its_own_what_it_means():
    html = words.evidence_html(verdict(POOR))
    unusual = [label for label, _, fine in POOR.lines() if not fine]
    assert len(unusual) >= 6 and all(words.UNUSUAL[label] in html for label in unusual)
    assert "a hint, not yet a fault" in html


def test_of_sound_film_nothing_is_called_unusual():
    html = words.evidence_html(verdict(CLEAN))
    assert all(fine for _, _, fine in CLEAN.lines()) and "<em>" not in html and "unusual" not in html


@pytest.mark.parametrize("p, said", [(0.1, "Nothing to mark"), (0.9, "the likelier the damage")])
def test_beside_the_toggle_stands_whether_there_is_damage_to_mark(p: float, said: str):
    assert said in words.marking(verdict(p=p))


def test_of_what_is_no_colour_negative_no_damage_is_named_or_marked():
    slide = verdict(replace(CLEAN, positive=0.99), p=0.9)
    assert words.defect_bars(slide) == words.remedies_html(slide) == "" and words.chances(slide) == {}
    assert "no colour negative" in words.marking(slide)
    seen = Seen(Path("a.jpg"), slide, np.full((64, 96, 3), 30000, np.uint16))
    for plain, marked in zip(seen.views("cvt2pos", False), seen.views("cvt2pos", True), strict=True):
        np.testing.assert_array_equal(marked, plain)
    film = replace(seen, verdict=verdict(p=0.9))
    assert (film.views("cvt2pos", True)[0] != film.views("cvt2pos", False)[0]).any()
