"""What helps to look through an archive: shares damaged, folders rolled up, scans of one negative."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.scoring.duplicates import alike
from darkroom.scoring.judging import shape_of
from darkroom.scoring.rollup import GRID, share_damaged
from film import drawn, eight_bit, write
from scored import read, run, small


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_share_of_damage_is_found_whatever_the_prior_was(share):
    rng, prior, inside, shares = np.random.default_rng(0), 0.8, 0, []
    for _ in range(200):
        damaged = rng.random(60) < share
        evidence = rng.normal(np.where(damaged, -1.2, 1.2), 1)  # log-odds of two bells: 2 · 1.2 · x
        p = 1 / (1 + np.exp(-(2.4 * evidence + np.log(prior / (1 - prior)))))
        likely = np.log(np.outer(1 - p, GRID) / (1 - prior) + np.outer(p, 1 - GRID) / prior).sum(axis=0)
        found, low, high = share_damaged(likely)
        assert low <= found <= high
        inside += low <= share <= high
        shares.append((found, np.mean(1 - p)))
    assert 0.91 <= inside / 200 <= 0.99
    corrected, uncorrected = np.mean(shares, axis=0)
    assert abs(corrected - share) < 0.02 < share - uncorrected, "the mean of the chances follows the prior"


def test_the_roll_up_counts_a_box_with_the_films_in_it(weights, tmp_path):
    scans = tmp_path / "scans"
    for folder, seeds in {"box 1/film 1": (1, 2), "box 1/film 2": (3,), "box 1 b": (4,), "box 1": (5,)}.items():
        (scans / folder).mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            write(scans / folder, f"{seed}.png", small(seed))
    assert run(weights, tmp_path / "v.csv", scans) == 0
    rows = {row["folder"]: row for row in read(tmp_path / "v.run/folders.csv")}
    counted = {folder: int(rows[str(scans / folder)]["frames"]) for folder in ("", "box 1", "box 1/film 1", "box 1 b")}
    assert counted == {"": 5, "box 1": 4, "box 1/film 1": 2, "box 1 b": 1} and rows["(all)"]["frames"] == "5"
    assert [*rows][:2] == ["(all)", str(scans)], "what lies above all files is left out"
    for row in rows.values():
        assert 0 <= float(row["low"]) <= float(row["share_damaged"]) <= float(row["high"]) <= 1


def test_scans_of_one_negative_are_grouped_and_others_are_not(weights, tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    for seed in range(4):
        light = 10 ** -drawn(seed)
        picture = Image.fromarray(eight_bit((light / light.max()) ** (1 / 2.2)))
        picture.save(scans / f"{seed} a.png")
        if seed < 2:  # another scanner: darker, smaller, as JPEG
            darker = Image.fromarray((np.asarray(picture) * 0.8).astype(np.uint8))
            darker.resize((400, 266)).save(scans / f"{seed} b.jpg", quality=80)
    Image.new("RGB", (300, 200), "white").save(scans / "empty 1.png")
    Image.new("RGB", (300, 200), "white").save(scans / "empty 2.png")
    assert run(weights, tmp_path / "v.csv", scans) == 0
    rows = [(row["group"], Path(row["file"]).name) for row in read(tmp_path / "v.run/duplicates.csv")]
    assert rows == [("1", "0 a.png"), ("1", "0 b.jpg"), ("2", "1 a.png"), ("2", "1 b.jpg")]


def test_shapes_a_few_bits_apart_are_alike():
    rng = np.random.default_rng(0)
    shapes = rng.integers(0, 2**64, 3000, np.uint64)
    shapes[2000] = shapes[10] ^ np.uint64(0x8001_0010_0400_0101)
    shapes[2500] = shapes[2000] ^ np.uint64(0b111)
    shapes[2900] = shapes[20] ^ np.uint64(0x0101_0101_0101_0101)
    assert alike(shapes) == [[10, 2000, 2500]]
    assert len(shape_of(np.zeros((3, 40, 60), np.uint8))) == 16
