"""The film's base, where rebate or gaps show it: what density is counted from, and what a density print takes out."""

import numpy as np
import pytest

from darkroom.files.light import CODED_GAMMA
from darkroom.film.base import AboveBase, Base, above_base, grade_of, of_roll
from darkroom.film.film import Film
from darkroom.film.inversion import Grade, invert
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut, cut_out
from darkroom.judge.verdict import load
from film import eight_bit, frame, png
from test_cut import WHOLE, coded, jpeg, strip_picture


def test_all_frames_of_a_strip_have_its_base_and_density_is_counted_from_it():
    light, corners = strip_picture(4)
    frames = cut(open_scan(jpeg(coded(light)), "strip.jpg"))
    assert len({id(each.base) for each in frames}) == 1 and frames[0].base.sure > 0.4
    density = -np.log10(light / 0.9)  # over the bare light's
    (left, top), (right, bottom) = corners[0, 1].astype(int), corners[1, 3].astype(int)
    fog = np.median(density[top:bottom, left + 2 : right - 2], axis=(0, 1))  # between two frames
    for each, box in zip(frames, corners.astype(int), strict=True):
        above = above_base(Film(each))
        picture = density[box[0, 1] + 8 : box[2, 1] - 8, box[0, 0] + 10 : box[1, 0] - 10]
        assert above.fog == pytest.approx(fog, abs=0.05)
        assert above.thinnest == pytest.approx((np.percentile(picture, 1, axis=(0, 1)) - fog).mean(), abs=0.1)
        assert above.densest == pytest.approx((np.percentile(picture, 99, axis=(0, 1)) - fog).mean(), abs=0.1)


def test_the_record_says_it_and_without_a_base_nothing_is_said(weights):
    judge, light = load(weights), strip_picture(4)[0]
    verdict = judge.judge(cut(open_scan(jpeg(coded(light)), "strip.jpg"))[0])
    said = {what: value for what, value, _ in verdict.lines()}
    assert said["Density above film base"].endswith(" D")
    assert said["Film base and fog"].endswith(" D in red, green, blue")
    alone = judge.judge(open_scan(png(eight_bit(frame())), "frame.png"))
    assert alone.above_base is None and not any("base and fog" in what for what, _, _ in alone.lines())
    row, fog = verdict.row(), [verdict.row()[f"base_{colour}"] for colour in ("red", "green", "blue")]
    assert tuple(fog) == verdict.above_base.fog and row["densest_above_base"] > row["thinnest_above_base"]
    assert alone.row()["base_red"] is None is alone.row()["thinnest_above_base"]
    assert AboveBase(None, 0.1, 1.2).lines() == [("Density above film base", "0.10 to 1.20 D", True)]


def test_a_base_that_is_not_sure_is_not_used():
    unsure = Base(np.ones(3), None, 0.1, np.ones(3), np.ones(3))
    (part,) = cut_out(open_scan(png(eight_bit(frame())), "frame.png"), [WHOLE], bases=[unsure])
    assert above_base(Film(part)) is None and grade_of(part.base) is None


def test_a_strip_knows_what_all_its_pictures_hold():
    light, corners = strip_picture(4)
    base = cut(open_scan(jpeg(coded(light)), "strip.jpg"))[0].base
    density = -np.log10(light / 0.9)
    pictures = [density[top:bottom, left:right] for (left, top), _, (right, bottom), _ in corners.astype(int)]
    held = np.concatenate([picture.reshape(-1, 3) for picture in pictures])
    (left, top), (right, bottom) = corners[0, 1].astype(int), corners[1, 3].astype(int)
    fog = np.median(density[top:bottom, left + 2 : right - 2], axis=(0, 1))
    assert base.middle == pytest.approx(np.median(held, axis=0) - fog, abs=0.08)
    assert base.densest == pytest.approx(np.percentile(held, 99.5, axis=0) - fog, abs=0.12)


BASE = np.array([0.25, 0.64, 0.97])


def negative_of(above: np.ndarray) -> np.ndarray:
    """Coded values of film that has these densities over its base."""
    return 10 ** (-(BASE + above) / CODED_GAMMA)


def test_a_density_print_makes_the_base_black_whatever_the_frame_holds():
    density = np.repeat(np.linspace(0.3, 1.2, 90 * 120).reshape(90, 120, 1), 3, axis=-1)
    density[:3, :3] = 0  # nothing else of it is as thin as the base
    shown = invert(negative_of(density), "density", Grade(*(negative_of(np.full(3, d)) for d in (0, 0.5, 1.2))))
    assert shown[:3, :3].max() == 0 and shown[4, 5].min() > 0.01  # its thinnest part is not black
    assert np.ptp(shown[45, 60]) < 0.02  # grey stays grey
    assert invert(negative_of(density), "density")[4, 5].max() < 0.01


def test_frames_of_one_film_get_one_colour_and_an_exposure_each():
    grade = Grade(*(negative_of(np.array([1, 1.1, 1.3]) * d) for d in (0, 0.5, 1.4)))  # layers of unlike contrast
    card = np.linspace(0.1, 0.8, 60).reshape(60, 1, 1) * np.array([1, 1.1, 1.3])  # grey, from light to dark
    sea = np.tile(np.array([0.2, 0.55, 1.2]), (60, 140, 1))
    frame = negative_of(np.concatenate([np.repeat(card, 60, axis=1), sea], axis=1))
    spread = np.ptp(invert(frame, "density", grade)[:, :50], axis=-1).max()
    assert spread < 0.06 < 0.2 < np.ptp(invert(frame, "density")[:, :50], axis=-1).max()
    thin = negative_of(np.repeat(card, 60, axis=1) / 2)
    assert invert(thin, "density", grade).max() > 0.9  # a thin frame is printed longer


def test_the_strips_of_a_roll_share_what_their_pictures_hold_but_not_their_base():
    first, second, third = (Base(np.full(3, d), None, sure, np.full(3, m), np.full(3, 2 * m))
                            for d, sure, m in ((0.5, 1, 0.4), (0.7, 1, 0.6), (0.9, 0.1, 5)))  # fmt: skip
    found = of_roll(first, [first, first, second, None, third])
    assert (found.density == 0.5).all() and found.middle == pytest.approx(0.5) and found.densest == pytest.approx(1)
