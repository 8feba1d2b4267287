"""The film's base, where rebate or gaps show it: what density is counted from, and what a density print takes out."""

import numpy as np
import pytest

from darkroom.files.light import CODED_GAMMA
from darkroom.film.base import AboveBase, Base, above_base, base_values
from darkroom.film.film import Film
from darkroom.film.inversion import invert
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
    assert AboveBase(None, 0.1, 1.2).lines() == [("Density above film base", "0.10 to 1.20 D", True)]


def test_a_base_that_is_not_sure_is_not_used():
    (part,) = cut_out(open_scan(png(eight_bit(frame())), "frame.png"), [WHOLE], bases=[Base(np.ones(3), None, 0.1)])
    assert above_base(Film(part)) is None and base_values(part.base) is None


def test_a_density_print_makes_the_base_black_whatever_the_frame_holds():
    base = np.array([0.25, 0.64, 0.97])
    density = np.linspace(0.3, 1.2, 90 * 120).reshape(90, 120, 1) + base  # nothing of it is as thin as the base
    negative = 10 ** (-density / CODED_GAMMA)
    values = 10 ** (-base / CODED_GAMMA)
    negative[:3, :3] = values
    shown = invert(negative, "density", values)
    assert shown[:3, :3].max() == 0 and shown[4, 5].min() > 0.01  # its thinnest part is not black
    assert np.ptp(shown[45, 60]) < 0.02  # grey stays grey
    without = invert(negative, "density")
    assert without[4, 5].max() < 0.01
