"""The measurements: each moves with what it measures, and stays still for what it does not."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from darkroom.film.evidence import Evidence, measure
from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from film import eight_bit, frame, png, sixteen_bit


@pytest.fixture
def sound() -> np.ndarray:
    return frame(240, 360, seed=3)


def measured(rgb: np.ndarray) -> Evidence:
    return measure(Film(open_scan(png(eight_bit(rgb)), "frame.png")))


def test_a_thin_negative_has_a_small_span_and_counts_as_stops_under(sound):
    thin = np.median(sound, (0, 1)) * (sound / np.median(sound, (0, 1))) ** 0.1
    assert measured(thin).density_span == pytest.approx(0.1 * measured(sound).density_span, rel=0.35)
    assert measured(thin).stops_under > measured(sound).stops_under + 1


def test_bare_light_inside_the_frame_is_lighter_than_film_base(sound):
    holed = sound.copy()
    holed[100:112, 150:168] = 0.97
    share = 12 * 18 / (240 * 360)
    assert measured(sound).below_base == 0
    assert measured(holed).below_base == pytest.approx(share, rel=0.4)


def test_bare_light_and_black_card_at_the_border_are_not_damage(sound):
    mounted = np.pad(sound, [(20, 0), (0, 0), (0, 0)], constant_values=0.99)
    mounted = np.pad(mounted, [(0, 0), (30, 30), (0, 0)], constant_values=0.005)
    assert measured(mounted).below_base == 0
    assert measured(mounted).opaque < 0.005
    assert measured(mounted).density_span == pytest.approx(measured(sound).density_span, rel=0.1)


def test_a_dense_neutral_region_is_opaque_and_flat(sound):
    blank = sound.copy()
    blank[:, :120] = 10 ** (-1.9 / 2.2)
    assert measured(sound).opaque < 0.01
    assert measured(blank).opaque == pytest.approx(1 / 3, abs=0.05)
    assert measured(blank).flat > measured(sound).flat + 0.2


def test_a_soft_scan_is_less_sharp(sound):
    leaves = np.random.default_rng(0).uniform(0.6, 1.4, (60, 90, 1)).repeat(4, 0).repeat(4, 1)
    textured = np.clip(sound * leaves, 0, 1)
    assert measured(gaussian_filter(textured, (3, 3, 0))).sharpness < 0.5 * measured(textured).sharpness


def test_a_grey_picture_is_no_colour_negative(sound):
    grey = np.repeat(sound.mean(axis=-1, keepdims=True), 3, axis=-1)
    assert "black-and-white" in measured(grey).not_negative
    assert measured(sound).not_negative == ""


def test_a_clipped_scan_asks_for_another_scan(sound):
    assert "clipped" in measured(np.clip(sound * 4, 0, 1)).scan_problem
    assert measured(sound).scan_problem == ""


def test_a_linear_scanner_raw_measures_as_the_same_film(sound):
    linear = 0.1 * sound**2.2  # dark, without a profile, 16 bits
    raw = measure(Film(open_scan(png(sixteen_bit(linear)), "raw.png")))
    assert raw.bits == 16
    assert raw.density_span == pytest.approx(measured(sound).density_span, rel=0.1)


def test_every_measurement_is_finite_and_shown_to_people_with_its_unit(sound):
    for picture in (sound, np.zeros_like(sound), np.ones_like(sound)):
        evidence = measured(picture)
        assert np.isfinite(list(asdict(evidence).values())).all()
    lines = {what: value for what, value, _ in evidence.lines()}
    assert lines["Density span"].split()[1] == "D" and lines["Bit depth"] == "8 bits a channel"
