"""Rows of frames that share a file or a folder: strips and infrared."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom import command
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut
from darkroom.judge.verdict import load
from film import eight_bit, frame, png, sixteen_bit, tiff, write
from scored import read
from simulator import not_negatives
from test_contact import cell, header, pages_of_pdf, reads
from test_cut import coded, strip_picture
from test_score import run


def test_a_strip_has_a_row_a_frame_and_what_is_none_has_one(weights, tmp_path, capfd):
    light, _ = strip_picture(3)
    Image.fromarray(coded(light)).save(tmp_path / "b.jpg", quality=95)
    Image.fromarray(np.random.default_rng(0).integers(60, 200, (30, 200, 3), np.uint8)).save(tmp_path / "c.png")
    letter = not_negatives.page(frame(200, 300), np.random.default_rng(1))
    write(tmp_path, "a.png", png(eight_bit(letter)))
    out, sheet = tmp_path / "v.csv", tmp_path / "sheet.pdf"
    assert run(weights, out, tmp_path, more=("--contact-sheet", str(sheet))) == 0
    rows = read(out)
    assert [Path(row["file"]).name for row in rows] == ["a.png", "b.jpg#1", "b.jpg#2", "b.jpg#3", "c.png"]
    judge = load(weights)
    expected = [judge.judge(each).p_normal for each in cut(open_scan(tmp_path / "b.jpg"))]
    assert [float(row["p_normal"]) for row in rows[1:4]] == pytest.approx(expected, abs=1e-5)
    (page,) = pages_of_pdf(sheet)
    assert reads(header(page), "5 frames", 9.5) and reads(cell(page, 3), "b.jpg#3", 7.5)
    capfd.readouterr()
    assert command.main(["judge", "--json", "--weights", str(weights), str(tmp_path / "b.jpg")]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["p_normal"] for line in lines] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["36 frames", "30,000 pixels wide"])
def test_large_sheets_and_long_strips_are_read_frame_by_frame(weights, tmp_path, kind):
    pixels = coded(strip_picture(6)[0])
    if kind == "36 frames":
        pixels, least = np.tile(pixels, (6, 1, 1)), 36
    else:
        pixels = np.tile(pixels[:, 60:-60], (1, 3, 1))
        pixels, least = np.asarray(Image.fromarray(pixels).resize((30_000, 1500))), 12
    Image.fromarray(pixels).save(tmp_path / "strip.jpg", quality=80)
    out = tmp_path / "v.csv"
    assert run(weights, out, tmp_path / "strip.jpg") == 0
    rows = read(out)
    assert least <= len(rows) <= 36 and not any(row["error"] for row in rows)
    assert [Path(row["file"]).name for row in rows] == [f"strip.jpg#{n + 1}" for n in range(len(rows))]
    assert all(row["verdict"] for row in rows)


def test_an_infrared_file_of_a_folder_goes_with_its_picture_and_fills_its_columns(weights, tmp_path):
    folder = tmp_path / "roll"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        write(folder, name, tiff(sixteen_bit(frame(200, 300, seed=2))))
    plane = np.full((200, 300, 1), 40_000, np.uint16)
    plane += np.random.default_rng(0).integers(0, 200, plane.shape, np.uint16)
    plane[50:60, 70:90] -= 10_000
    write(folder, "a_IR.tif", tiff(plane))
    for paths in ([folder], sorted(folder.iterdir())):
        assert run(weights, tmp_path / "v.csv", *paths) == 0
        with_it, without = read(tmp_path / "v.csv")
        assert Path(with_it["file"]).name == "a.tif" and Path(without["file"]).name == "b.tif"
        assert float(with_it["infrared_dust"]) == pytest.approx(200 / 60_000, rel=0.05)
        assert without["infrared_dust"] == "" and float(with_it["infrared_holes"]) == 0
