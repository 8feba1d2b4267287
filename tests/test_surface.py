"""Infrared shows dust, scratches and holes on the film, and nothing where there are none."""

import numpy as np
import pytest

from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from darkroom.film.surface import HOLE, surface, surface_map
from darkroom.judge.verdict import Judge, load
from infrared import CLEAN, DEEP, DUSTY, FILES, HEIGHT, RGB, SHARE, WIDTH, infrared, shares, specks, tiff, with_infrared
from test_files import pages


@pytest.mark.parametrize("kind", FILES)
def test_the_share_of_dust_is_that_on_the_film(kind):
    found = shares(FILES[kind], "scan")
    assert found.dust == pytest.approx(SHARE, rel=0.1)
    assert found.holes == 0


def test_holes_are_distinguished_from_dust():
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[100:108, 300:310] = True
    film = Film(open_scan(tiff(with_infrared(DEEP, infrared(specks(), hole))), "holed.tif"))
    marks = surface_map(film)
    np.testing.assert_array_equal(marks == HOLE, hole)
    found = surface(film)
    assert found.holes == pytest.approx(hole.mean(), rel=0.05) and found.dust == pytest.approx(SHARE, rel=0.1)
    assert "light comes through 0.05% of the frame" in found.sentence


def test_clean_film_has_no_dust_however_noisy_its_infrared():
    for noise in (0.0, 0.002, 0.02):
        plane = CLEAN * 10 ** np.random.default_rng(0).normal(0, noise, RGB.shape[:2])
        plane[0, 0] += 0.01  # else it would be one value
        found = shares(tiff(with_infrared(DEEP, plane)))
        assert found.dust < 0.0001 and found.holes < 0.0001 and found.sentence == ""


def test_no_dust_is_reported_where_the_infrared_shows_the_picture():
    silver = 10 ** np.log10(RGB).mean(-1)
    scan = open_scan(tiff(with_infrared(DEEP, silver)), "silver.tif")
    assert scan.infrared is not None and surface(Film(scan)) is None


def test_a_holder_and_its_edge_are_no_dust():
    mounted, plane = DEEP.copy(), DUSTY.copy()
    for each in (mounted, plane):
        each[:30] = each[:, :40] = 0
    found = shares(tiff(with_infrared(mounted, plane)))
    left = specks()[34:, 44:]
    assert found.dust == pytest.approx(left.mean(), rel=0.15)


def test_a_verdict_reports_the_infrared_and_is_not_changed_by_it(weights):
    judge: Judge = load(weights)
    with_it, without = (judge.judge(open_scan(data, "a.tif")) for data in (FILES["second page"], pages((DEEP, {}))))
    assert with_it.p_normal == without.p_normal and with_it.verdict == without.verdict
    assert with_it.reason == without.reason and with_it.defects == without.defects
    assert with_it.explanation.startswith(with_it.reason) and "dust and scratches cover" in with_it.explanation
    assert ("Dust and scratches in infrared", f"{with_it.surface.dust:.1%} of the frame", False) in with_it.lines()
    assert with_it.row()["infrared_dust"] == with_it.surface.dust and with_it.row()["infrared_holes"] == 0
    assert with_it.at_prior(0.9).surface == with_it.surface
    assert without.surface is None and without.row()["infrared_dust"] is None and without.explanation == without.reason
    assert without.lines() == without.evidence.lines()
