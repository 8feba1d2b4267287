"""Each measurement changes with what it measures, and with nothing else."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from darkroom.film.evidence import Evidence, measure
from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from film import eight_bit, frame, png, sixteen_bit


@pytest.fixture
def clean() -> np.ndarray:
    return frame(240, 360, seed=3)


def measured(rgb: np.ndarray) -> Evidence:
    return measure(Film(open_scan(png(eight_bit(rgb)), "frame.png")))


def test_a_thin_negative_has_a_small_span_and_counts_as_stops_under(clean):
    thin = np.median(clean, (0, 1)) * (clean / np.median(clean, (0, 1))) ** 0.1
    assert measured(thin).density_span == pytest.approx(0.1 * measured(clean).density_span, rel=0.35)
    assert measured(thin).stops_under > measured(clean).stops_under + 1


def test_bare_light_inside_the_frame_is_lighter_than_film_base(clean):
    holed = clean.copy()
    holed[100:112, 150:168] = 0.97
    share = 12 * 18 / (240 * 360)
    assert measured(clean).below_base == 0
    assert measured(holed).below_base == pytest.approx(share, rel=0.4)


def test_bare_light_and_black_card_at_the_border_are_not_damage(clean):
    mounted = np.pad(clean, [(20, 0), (0, 0), (0, 0)], constant_values=0.99)
    mounted = np.pad(mounted, [(0, 0), (30, 30), (0, 0)], constant_values=0.005)
    assert measured(mounted).below_base == 0
    assert measured(mounted).opaque < 0.005
    assert measured(mounted).density_span == pytest.approx(measured(clean).density_span, rel=0.1)


def test_a_dense_neutral_region_is_opaque_and_flat(clean):
    blank = clean.copy()
    blank[:, :120] = 10 ** (-1.9 / 2.2)
    assert measured(clean).opaque < 0.01
    assert measured(blank).opaque == pytest.approx(1 / 3, abs=0.05)
    assert measured(blank).flat > measured(clean).flat + 0.2


def test_a_soft_scan_is_less_sharp(clean):
    leaves = np.random.default_rng(0).uniform(0.6, 1.4, (60, 90, 1)).repeat(4, 0).repeat(4, 1)
    textured = np.clip(clean * leaves, 0, 1)
    assert measured(gaussian_filter(textured, (3, 3, 0))).sharpness < 0.5 * measured(textured).sharpness


def test_what_a_picture_is_is_asked_of_one_that_holds_something(clean):
    seen = replace(measured(clean), monochrome=1.0)

    def kind(**chances: float) -> str:
        return replace(seen, **chances).other_kind

    assert kind(nothing=0.44, page=0.28, positive=0.27) == "page"  # print, a little of which might be noise
    assert kind(nothing=0.5, positive=0.1) == ""  # nearly empty film, and film if it is anything
    assert kind(nothing=0.8, page=0.2) == "nothing"
    assert kind(positive=0.7, page=0.1) == "positive" and kind(positive=0.7) == ""


def test_a_grey_picture_is_no_colour_negative(clean):
    grey = np.repeat(clean.mean(axis=-1, keepdims=True), 3, axis=-1)
    assert "black-and-white" in measured(grey).not_negative
    assert measured(clean).not_negative == ""


def test_a_clipped_scan_asks_for_another_scan(clean):
    assert "clipped" in measured(np.clip(clean * 4, 0, 1)).scan_problem
    assert measured(clean).scan_problem == ""


def test_a_linear_scanner_raw_measures_as_the_same_film(clean):
    linear = 0.1 * clean**2.2  # dark, without a profile, 16 bits
    raw = measure(Film(open_scan(png(sixteen_bit(linear)), "raw.png")))
    assert raw.bits == 16
    assert raw.density_span == pytest.approx(measured(clean).density_span, rel=0.1)


def test_every_measurement_is_finite_and_shown_to_people_with_its_unit(clean):
    for picture in (clean, np.zeros_like(clean), np.ones_like(clean)):
        evidence = measured(picture)
        assert np.isfinite(list(asdict(evidence).values())).all()
    lines = {what: value for what, value, _ in evidence.lines()}
    assert lines["Density span"].split()[1] == "D" and lines["Bit depth"] == "8 bits a channel"
