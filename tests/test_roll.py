"""Judging a roll: the arithmetic of the summary, and the patterns."""

import io
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import film
from darkroom.files.archive import FrameSource
from darkroom.film.scan import open_scan
from darkroom.judge import roll
from darkroom.judge.roll import JudgedFrame, by_number, damaged_share, judge_roll, summarise, worst_first
from darkroom.judge.verdict import Judge, Verdict, load
from test_cut import coded, strip_picture


@pytest.fixture(scope="module")
def judge(weights: Path) -> Judge:
    return load(weights)


@pytest.fixture(scope="module")
def verdict(judge: Judge) -> Verdict:
    out = io.BytesIO()
    Image.fromarray(film.eight_bit(film.frame())).save(out, "PNG")
    return judge.judge(open_scan(out.getvalue(), name="frame.png"))


def frame(verdict: Verdict, number: int, word: str, p_normal: float, heat: np.ndarray | None = None) -> JudgedFrame:
    heat = np.zeros((4, 4), np.float32) if heat is None else heat
    name = f"frame_{number}.jpg"
    return JudgedFrame(name, Path(name), replace(verdict, file=name, verdict=word, p_normal=p_normal, heat=heat))


def test_the_interval_is_that_of_every_possible_roll():
    chances = np.array([0.9, 0.2, 0.5, 0.05])
    by_count = np.zeros(5)
    for outcome in product((0, 1), repeat=4):
        by_count[sum(outcome)] += np.prod([p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True)])
    low, high = damaged_share(chances)
    below, above = by_count[: round(low * 4)].sum(), by_count[round(high * 4) + 1 :].sum()
    assert below <= 0.025 and above <= 0.025
    assert below + by_count[round(low * 4)] > 0.025, "the lower end could be higher"
    assert above + by_count[round(high * 4)] > 0.025, "the upper end could be lower"


def test_the_worst_frame_comes_first_and_the_unjudged_last(verdict: Verdict):
    frames = [
        JudgedFrame("x.jpg", None, error="x.jpg: broken"),
        frame(verdict, 1, "readable", 0.9),
        frame(verdict, 2, "damaged", 0.1),
    ]
    assert [each.name for each in worst_first(frames)] == ["frame_2.jpg", "frame_1.jpg", "x.jpg"]
    assert summarise(frames).counts == {"readable": 1, "check": 0, "damaged": 1, "error": 1}
    assert summarise(frames).share == pytest.approx(0.5)
    assert summarise(frames[:1]) is None


def test_what_is_no_colour_negative_comes_after_those_that_are_and_counts_in_no_share_and_no_pattern(verdict: Verdict):
    scratch = np.zeros((9, 9), np.float32)
    scratch[7:9, 0:2] = 0.9
    slide = replace(verdict.evidence, positive=0.99)
    others = [frame(verdict, number, "damaged", 0.01, scratch) for number in (1, 2, 3)]
    others = [replace(each, verdict=replace(each.verdict, evidence=slide)) for each in others]
    negatives = [frame(verdict, 8, "readable", 0.9, scratch), frame(verdict, 9, "check", 0.6, scratch)]
    every = [JudgedFrame("x.jpg", None, error="x.jpg: broken"), *others, *negatives]
    assert [each.name for each in worst_first(every)] == [f"frame_{n}.jpg" for n in (9, 8, 1, 2, 3)] + ["x.jpg"]
    alone, together = summarise(negatives), summarise(every)
    assert (together.share, together.low, together.high) == (alone.share, alone.low, alone.high)
    assert together.patterns == () and sum(together.counts.values()) == 6


def test_a_mark_at_one_place_on_several_frames_is_named_and_scattered_marks_are_not(verdict: Verdict):
    scratch = np.zeros((9, 9), np.float32)
    scratch[7:9, 0:2] = 0.9
    same = [frame(verdict, i, "damaged", 0.1, scratch) for i in range(3)] + [frame(verdict, 9, "readable", 0.9)]
    (sentence,) = summarise(same).patterns
    assert "3 frames are marked at the same place (lower left)" in sentence
    apart = [frame(verdict, i, "damaged", 0.1, np.roll(scratch, 3 * i, axis=1)) for i in range(3)]
    assert summarise([*apart, frame(verdict, 9, "readable", 0.9)]).patterns == ()


@pytest.mark.parametrize("hit, word", [((1, 2, 3), "first 3"), ((10, 11, 12), "last 3"), ((1, 6, 12), "")])
def test_damage_at_one_end_of_the_roll_points_at_the_chemistry(verdict: Verdict, hit: tuple, word: str):
    frames = [frame(verdict, i, "damaged" if i in hit else "readable", 0.5) for i in (10, 11, 12, *range(1, 10))]
    patterns = summarise(frames).patterns
    assert (f"among the {word} frames" in patterns[0]) if word else patterns == ()


def test_numbers_in_names_are_counted_and_not_spelt():
    assert sorted(["frame_10.jpg", "Frame_2.jpg", "frame_1.jpg"], key=by_number)[1] == "Frame_2.jpg"


def test_a_broken_file_does_not_stop_the_roll_nor_does_one_that_nobody_foresaw(
    judge: Judge, tmp_path: Path, monkeypatch
):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(film.eight_bit(film.frame())).save(good)
    bad.write_bytes(b"")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    found = [FrameSource(path.name, path) for path in (bad, folder, good)]
    frames = list(judge_roll(judge, found, 0.5))
    assert [each.word for each in frames][:2] == ["error", "error"] and frames[2].verdict
    assert all(each.error.startswith(f"{each.name}: ") for each in frames[:2])
    assert Image.open(io.BytesIO(frames[2].thumbnail)).size == (144, 96)


def test_a_frame_of_a_roll_has_the_verdict_that_it_has_alone(judge: Judge, tmp_path: Path):
    path = tmp_path / "frame.jpg"
    Image.fromarray(film.eight_bit(film.frame(seed=3))).resize((2400, 1600)).save(path)
    (alone,) = judge_roll(judge, [FrameSource("frame.jpg", path)], 0.3)
    assert alone.verdict.p_normal == pytest.approx(judge.judge(open_scan(path), 0.3).p_normal, abs=1e-6)


def test_an_only_picture_has_all_cores_and_several_have_one_each(judge: Judge, tmp_path: Path):
    path = tmp_path / "frame.png"
    Image.fromarray(film.eight_bit(film.frame())).save(path)
    for count, each in ((1, False), (2, True)):
        asked = Judge(judge.model)
        assert all(frame.verdict for frame in judge_roll(asked, [FrameSource("frame.png", path)] * count, 0.5))
        assert ("one_core" in vars(asked)) == each and (asked.run.started is None) == each


def test_a_roll_has_at_most_so_many_frames_whatever_its_strips_hold(judge: Judge, tmp_path: Path, monkeypatch):
    light, _ = strip_picture(3)
    Image.fromarray(coded(light)).save(tmp_path / "strip.jpg", quality=95)
    monkeypatch.setattr(roll, "MOST_FRAMES", 4)
    found = [FrameSource(f"{n}.jpg", tmp_path / "strip.jpg") for n in range(4)]
    frames = list(roll.judge_roll(judge, found, 0.5))
    assert [frame.name for frame in frames] == [f"{n}.jpg#{k}" for n in (0, 1) for k in (1, 2, 3)] + ["2.jpg"]
    assert frames[-1].error.startswith("2.jpg: this and all after it were left out")
    assert {frame.found for frame in frames[:3]} == {found[0]}
    with zipfile.ZipFile(io.BytesIO(roll.sidecars_of(frames))) as sidecars:
        assert sidecars.namelist() == ["README.txt"]  # the file of a strip has no verdict of its own
