"""Damage on real negatives lies where its map says, and nothing else changes."""

import numpy as np
import pytest
from PIL import Image

from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from film import eight_bit, frame
from simulate import DEFECTS, simulate
from simulator import real
from simulator.sources import Folders


@pytest.fixture
def negatives(tmp_path):
    folder = tmp_path / "film"
    folder.mkdir()
    for seed in range(4):
        Image.fromarray(eight_bit(frame(240, 360, seed))).save(folder / f"{seed}.jpg", quality=95)
    return folder


def test_a_negative_written_again_is_the_same_film(negatives):
    density, inside = real.negative_from(negatives / "0.jpg", 360)
    before, after = (Film(open_scan(source)) for source in (negatives / "0.jpg", real.encode(density)))
    assert inside.mean() > 0.95 and density.shape == (240, 360, 3)
    assert np.abs(before.density - after.density).mean() < 0.02


@pytest.mark.parametrize("kind", DEFECTS)
def test_each_kind_changes_the_film_where_it_covers_it(negatives, kind):
    density, inside = real.negative_from(negatives / "1.jpg", 360)
    ruined, coverage = real.damaged(density, inside, {kind: 2.5}, DEFECTS, np.random.default_rng(3))
    where = coverage[..., DEFECTS.index(kind)]
    assert where.max() > 0.5 and coverage.sum() == pytest.approx(where.sum())
    change = np.abs(ruined - density).max(axis=-1)
    assert change[where > 0.5].mean() > 0.05
    if kind == "noise":
        spans = [np.subtract(*np.percentile(each, (95, 5))) for each in (ruined[..., 1], density[..., 1])]
        assert spans[0] < 0.3 * spans[1]


def test_a_quarter_of_a_simulated_set_can_be_real_negatives(negatives, tmp_path):
    out = simulate(tmp_path / "set", count=16, seed=1, folders=Folders(negatives=negatives))
    lines = "".join((out / split / "metadata.jsonl").read_text() for split in ("train", "validation", "test"))
    assert lines.count('"source": "real/') == 4
