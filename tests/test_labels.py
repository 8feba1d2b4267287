"""Labels and pictures in the forms of spreadsheets, Macs, file servers and scanners become a data set."""

import io
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import imagecodecs
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from darkroom.film.scan import open_scan
from data import build
from film import eight_bit, frame, sixteen_bit
from learning.dataset import DataError, open_dataset, open_picture
from rolls import negative
from test_files import pages

RUN = Path(__file__).resolve().parents[1] / "train" / "run.py"
COUNT = 28  # 14 of each label, the least with a test split


def damaged(i: int) -> bool:
    return i % 2 == 0


def pictures(folder: Path, names: list[str]) -> Path:
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        negative(i, damaged(i))[0].save(folder / name, "JPEG", quality=92)
    return folder


def table(names: list[str], mark: str = ",", end: str = "\n") -> str:
    rows = [f"{name}{mark}{int(not damaged(i))}" for i, name in enumerate(names)]
    return end.join([f"picture{mark}normal", *rows, ""])


def stored(out: Path) -> dict[str, dict]:
    """The rows of a data set by name, from its files."""
    lines = [line for file in out.glob("*/metadata.jsonl") for line in file.read_text().splitlines()]
    return {row["file_name"]: row for row in map(json.loads, lines)}


UMLAUTS = [f"Köln/Größe {i:02d}.JPG" for i in range(COUNT)]
CZECH = [f"Žluťoučký kůň {i:02d}.jpg" for i in range(COUNT)]
RUSSIAN = [f"Плёнка/кадр {i:02d}.jpg" for i in range(COUNT)]
JAPANESE = [f"写真/東京 {i:02d}.jpg" for i in range(COUNT)]


@pytest.mark.parametrize(
    ("names", "encoding", "mark", "end"),
    [
        (UMLAUTS, "cp1252", ";", "\r\n"),
        (UMLAUTS, "utf-16", "\t", "\r\n"),
        (UMLAUTS, "utf-16-be", "\t", "\n"),
        (UMLAUTS, "utf-8-sig", ";", "\r\n"),
        (UMLAUTS, "mac_roman", ";", "\r"),
        (UMLAUTS, "cp850", ";", "\r\n"),
        (CZECH, "cp1250", ";", "\r\n"),
        (RUSSIAN, "cp1251", ";", "\r\n"),
        (JAPANESE, "cp932", ",", "\r\n"),
    ],
)
def test_a_table_is_read_however_a_spreadsheet_saved_it(tmp_path, names, encoding, mark, end):
    csv = tmp_path / "labels.csv"
    csv.write_bytes(table(names, mark, end).encode(encoding))
    counts = build(pictures(tmp_path / "pictures", names), csv, tmp_path / "out")
    rows = stored(tmp_path / "out")
    assert sum(counts.values()) == COUNT and set(rows) == set(names)
    assert all(rows[name]["label"] == int(not damaged(i)) for i, name in enumerate(names))


def test_a_table_that_is_no_text_is_refused_with_a_way_out(tmp_path):
    csv = tmp_path / "labels.csv"
    csv.write_bytes(b"\xff\xfe" + "picture,normal".encode("utf-16-le") + b"\0")
    with pytest.raises(DataError, match=r"labels.csv: its text is neither UTF-8 .* save it as “CSV UTF-8”"):
        build(pictures(tmp_path / "pictures", UMLAUTS[:1]), csv, tmp_path / "out")


@pytest.mark.parametrize(("disk", "cell"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFC", "Windows")])
def test_names_are_found_whichever_system_wrote_them(tmp_path, disk, cell):
    names = [unicodedata.normalize(disk, name) for name in UMLAUTS]
    named = [n.replace("/", "\\") if cell == "Windows" else unicodedata.normalize(cell, n) for n in UMLAUTS]
    csv = tmp_path / "labels.csv"
    csv.write_text(table(named))
    build(pictures(tmp_path / "pictures", names), csv, tmp_path / "out")
    assert set(stored(tmp_path / "out")) == set(UMLAUTS)


def test_two_names_that_are_one_are_a_fault(tmp_path):
    names = [unicodedata.normalize(form, "Köln.jpg") for form in ("NFC", "NFD")]
    csv = tmp_path / "labels.csv"
    csv.write_text(table(names[:1]))
    with pytest.raises(DataError, match="the same name but for how its accents are stored; rename one"):
        build(pictures(tmp_path / "pictures", names), csv, tmp_path / "out")


def test_too_few_of_both_labels_are_one_message(tmp_path):
    names = UMLAUTS[:7]
    csv = tmp_path / "labels.csv"
    csv.write_text(table(names))
    with pytest.raises(DataError) as error:
        build(pictures(tmp_path / "pictures", names), csv, tmp_path / "out")
    assert str(error.value) == f"{csv}: 4 pictures are abnormal (0) and 3 normal (1); 4 of each are needed: label more"


def strip(*seeds: int) -> bytes:
    return pages(*((sixteen_bit(frame(72, 96, seed)), {}) for seed in seeds))


def test_each_page_of_a_tiff_is_a_frame_labelled_by_its_name_or_its_files(tmp_path):
    names = UMLAUTS[:26]
    folder = pictures(tmp_path / "pictures", names)
    (folder / "strip.tif").write_bytes(strip(100, 101))
    (folder / "both.tif").write_bytes(strip(102, 103, 104))
    csv = tmp_path / "labels.csv"
    csv.write_text(table(names) + "strip.tif#1,0\nstrip.tif#2,1\nboth.tif,1\n")
    build(folder, csv, tmp_path / "out")
    rows = stored(tmp_path / "out")
    expected = {"strip.tif#1": 0, "strip.tif#2": 1, "both.tif#1": 1, "both.tif#2": 1, "both.tif#3": 1}
    assert {name.removesuffix(".tif"): rows[name]["label"] for name in rows if "#" in name} == expected
    for name in expected:
        (copy,) = (tmp_path / "out").glob(f"*/{name}.tif")
        file, number = name.split("#")
        np.testing.assert_array_equal(open_scan(copy).pixels, open_scan(folder / file, number=int(number) - 1).pixels)

    csv.write_text(table(names) + "strip.tif#1,0\nstrip.tif,1\nboth.tif#1,1\nboth.tif#4,1\n")
    with pytest.raises(DataError) as error:
        build(folder, csv, tmp_path / "again")
    assert "row 29: 'strip.tif#1' is in row 28 already" in str(error.value)
    assert "row 31: there is no picture 'both.tif#4'" in str(error.value) and "both.tif#2: is not in" in str(
        error.value
    )


def test_the_names_that_a_data_set_has_for_pages_are_labels_too(tmp_path):
    names = UMLAUTS[:27]
    folder = pictures(tmp_path / "pictures", names)
    (folder / "strip.tif").write_bytes(strip(100, 101))
    csv = tmp_path / "labels.csv"
    csv.write_text(table(names) + "strip.tif#1,1\nstrip.tif#2,1\n")
    build(folder, csv, tmp_path / "out")
    csv.write_text("picture,normal\n" + "".join(f"{n},{row['label']}\n" for n, row in stored(tmp_path / "out").items()))
    build(folder, csv, tmp_path / "again")
    assert stored(tmp_path / "again") == stored(tmp_path / "out")


def test_what_people_have_trains(tmp_path):
    """Brackets in the path, a Mac's names, its AppleDouble files, capitals, formats that `datasets` does not open."""
    names = [unicodedata.normalize("NFD", name) for name in UMLAUTS[:20]] + [f"IMG_{i}.JPE" for i in range(8)]
    folder = pictures(tmp_path / "roll [1] {gold}", names)
    (folder / "._IMG_0.JPE").write_bytes(b"\0\5\x16\7" + bytes(4000))
    (folder / "Thumbs.db").write_bytes(b"x")
    small = [eight_bit(frame(72, 96, seed)) for seed in range(50, 53)]
    (folder / "new.avif").write_bytes(imagecodecs.avif_encode(small[0], level=95))
    (folder / "new.jxl").write_bytes(imagecodecs.jpegxl_encode(small[1], lossless=True))
    Image.fromarray(small[2]).save(folder / "new.MPO", "MPO")
    (folder / "strip.tif").write_bytes(strip(60, 61))
    csv = tmp_path / "labels.csv"
    csv.write_text(table(names) + "new.avif,1\nnew.jxl,1\nnew.MPO,0\nstrip.tif,0\n")
    out = tmp_path / "out [2024-05] {gold}"
    build(folder, csv, out)

    opened = {row["name"]: open_picture(row["image"]) for rows in open_dataset(str(out)).values() for row in rows}
    assert len(opened) == COUNT + 5
    for name in ("new.avif", "new.jxl", "new.MPO"):
        copy, scan = opened[f"{name}.jpg" if name == "new.MPO" else f"{name}.tif"], open_scan(folder / name)
        np.testing.assert_array_equal(copy.small, scan.small)
        assert copy.jpeg_tables == scan.jpeg_tables

    settings = "--name short --epochs 1 --batch-size 8 --input-size 64".split()
    done = subprocess.run(
        [sys.executable, RUN, "--data", out, *settings], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    judged = pd.read_csv(tmp_path / "runs" / "short" / "predictions.csv")
    held_out = {
        path.relative_to(out / split).as_posix()
        for split in ("validation", "test")
        for path in (out / split).rglob("*.*")
    }
    assert set(judged["file"]) == held_out - {"metadata.jsonl"}


def test_dark_coded_frames_stay_coded_and_linear_ones_linear(tmp_path):
    """A dark 16-bit TIFF without a profile is taken as linear; a coded one needs a profile in the data set."""
    names = UMLAUTS[:26]
    folder = pictures(tmp_path / "pictures", names)
    dark = (frame(72, 96, 70) * 0.2 * 65535).astype(np.uint16)
    encoded = io.BytesIO(imagecodecs.jpegxl_encode(dark, lossless=True))
    (folder / "coded.jxl").write_bytes(encoded.getvalue())
    (folder / "linear.tif").write_bytes(pages((dark, {}), (dark[::-1], {})))
    csv = tmp_path / "labels.csv"
    csv.write_text(
        table(names) + "coded.jxl,1\nlinear.tif,0\n".replace("linear.tif,0", "linear.tif#1,0\nlinear.tif#2,1")
    )
    build(folder, csv, tmp_path / "out")
    for name, source, linear in (("coded.jxl", "coded.jxl", False), ("linear.tif#1", "linear.tif", True)):
        (copy,) = (tmp_path / "out").glob(f"*/{name}.tif")
        assert open_scan(copy).linear is linear
        np.testing.assert_array_equal(open_scan(copy).small, open_scan(folder / source).small)
