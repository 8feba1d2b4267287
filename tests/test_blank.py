"""An empty frame is damaged, whatever its base, density, light, noise and depth; a page of text is not."""

from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from darkroom.files.archive import FrameSource
from darkroom.film.evidence import measure
from darkroom.film.film import Film
from darkroom.film.gate import no_picture
from darkroom.film.gate_features import reduced
from darkroom.film.scan import Scan
from darkroom.judge.prefetch import CORES
from darkroom.judge.roll import JudgedFrame, Summary, judge_roll, summarise
from darkroom.judge.verdict import Judge, load
from film import eight_bit, frame, sixteen_bit
from simulator import not_negatives

BASES = {"orange": (0.2, 0.55, 0.8), "red": (0.1, 0.7, 0.9), "grey": (0.3, 0.3, 0.3), "teal": (0.6, 0.3, 0.35), "no": 0}
FALLS = (0, 0.15, 0.5)  # of the light towards the corners


def blank(base, density: float, fall: float, noise: float, bits: int) -> Scan:
    """A frame of one density, D over its base."""
    y, x = np.mgrid[-1 : 1 : 200 * 1j, -1 : 1 : 300 * 1j]
    light = (1 + fall * (0.7 * x * x + 0.4 * y * y)) ** -2
    coded = (light[..., None] * 10 ** -(np.broadcast_to(base, 3) + float(density))) ** (1 / 2.2)
    coded = (coded + noise * np.random.default_rng(0).standard_normal(coded.shape)).clip(0, 1)
    return Scan({8: eight_bit, 16: sixteen_bit}[bits](coded), "blank.png", b"", "PNG")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("density", [0, 0.3, 1, 1.8, 2.6, 4])
def test_a_frame_of_one_density_holds_nothing(base, density):
    for fall, noise, bits in product(FALLS, (0, 0.01, 0.03), (8, 16)):
        film = Film(blank(BASES[base], density, fall, noise, bits))
        assert no_picture(*reduced(film.density, film.inside)), (fall, noise, bits)


@pytest.mark.parametrize("base, density", [("no", 0), ("no", 5), ("grey", 1), ("orange", 0), ("orange", 2)])
def test_a_frame_that_holds_nothing_is_damaged_and_the_kind_is_named(judge: Judge, base, density):
    verdict = judge.judge(blank(BASES[base], density, 0.15, 0.01, 8), 0.9)
    assert verdict.verdict == "damaged" and verdict.found == ["blank_area"] and verdict.p_normal < 0.5
    assert "holds nothing" in verdict.row()["reason"] and not verdict.row()["not_negative"]


def test_a_page_is_no_colour_negative_and_has_no_probability(judge: Judge):
    scene = np.asarray(frame(200, 300))
    page = Scan(eight_bit(not_negatives.page(scene, np.random.default_rng(1))), "page.png", b"", "PNG")
    verdict = judge.judge(page)
    row = verdict.row()
    assert row["verdict"] == "check" and row["not_negative"] == measure(Film(page), judge.gate).other_kind == "page"
    assert "page of text" in row["reason"] and row["p_normal"] is row["confidence"] is row["holes"] is None
    assert summarise([JudgedFrame("page.png", None, verdict)]) is None


def test_black_print_on_white_is_a_page_and_no_empty_frame(judge: Judge):
    page = Image.new("RGB", (700, 500), "white")
    lines = ["a typed recipe, line after line, as small as the noise of film"] * 14
    ImageDraw.Draw(page).multiline_text((40, 40), "\n".join(lines), "black", ImageFont.load_default(20), spacing=8)
    verdict = judge.judge(Scan(np.asarray(page), "recipe.png", b"", "PNG"))
    assert verdict.verdict == "check" and verdict.row()["not_negative"] == "page"


def test_the_share_of_a_roll_counts_colour_negatives_only(judge: Judge):
    page = Scan(eight_bit(not_negatives.page(frame(200, 300), np.random.default_rng(1))), "page.png", b"", "PNG")
    frames, pages = (
        [JudgedFrame(s.name, None, judge.judge(s))] * 3 for s in (blank((0.2, 0.5, 0.8), 1, 0, 0, 8), page)
    )
    alone, both = summarise(frames), summarise(frames + pages)
    assert isinstance(both, Summary) and (both.share, both.low, both.high) == (alone.share, alone.low, alone.high)
    assert both.counts["check"] == 3


def test_a_roll_is_opened_a_few_frames_ahead_only(judge: Judge, tmp_path):
    taken = []

    class Found(list):
        def __iter__(self):
            for entry in super().__iter__():
                taken.append(entry)
                yield entry

    frames = judge_roll(judge, Found([FrameSource("none.png", tmp_path / "none.png")] * 500), 0.5)
    next(frames)
    assert 0 < len(taken) <= 2 * CORES + 1
    frames.close()
