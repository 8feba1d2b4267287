"""The measurements: each moves with what it measures, and stays still for what it does not."""

import numpy as np
import pytest
from darkroom.evidence import BELIEVED, KINDS, Evidence, measure
from darkroom.film import Film
from darkroom.scan import open_scan
from film import drawn, eight_bit, frame, png, sixteen_bit
from scipy.ndimage import gaussian_filter


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


def test_every_measurement_is_told_to_people_with_its_unit_and_to_the_combination_as_a_finite_number(sound):
    for picture in (sound, np.zeros_like(sound), np.ones_like(sound)):
        evidence = measured(picture)
        assert np.isfinite(evidence.vector()).all() and evidence.vector().shape == (len(Evidence.NAMES),)
    lines = {what: value for what, value, _ in evidence.lines()}
    assert lines["Density span"].split()[1] == "D" and lines["Bit depth"] == "8 bits a channel"


def test_patches_are_counted_as_patches_and_holes_as_holes():
    """Damaged cells come from two networks; each of their answers is at its own kind."""
    density = drawn(0)
    height, width = density.shape[:2]
    sound = 10 ** (-density / 2.2)
    y, x = np.mgrid[0:height, 0:width] * (360 / width)
    disc = np.clip((24 - np.hypot(y - 100, x - 150)) / 14, 0, 1)[..., None]
    patched = sound * 10 ** (disc * np.array([0.22, 0.12, 0.05]) / 2.2)
    holed = np.where(disc > 0.7, 0.97, sound)
    for damaged, kind in ((patched, "colour_patches"), (holed, "holes")):
        cells = measured(damaged).cells
        gain = cells - measured(sound).cells
        assert 0.5 * BELIEVED < cells[KINDS.index(kind)].max() <= BELIEVED
        assert KINDS[gain[:, 5:9, 5:8].max(axis=(1, 2)).argmax()] == kind
