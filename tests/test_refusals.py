"""Rare refusals of the library, each a sentence that names the file: odd JPEG XL, odd shapes, folders, full memory."""

import json
import os
import shutil
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

import darkroom
from darkroom.files import decode, table
from darkroom.files.modern import JXL_BOXES, JXL_MAGIC, jpeg_size, jxl_size
from darkroom.files.table import OutputError, check
from darkroom.film.export import save_positive
from darkroom.film.inversion import METHODS, invert
from darkroom.film.scan import open_scan
from darkroom.hub import flag
from darkroom.hub.weights import WeightsError
from film import chunk, eight_bit, frame, png


def refused(data: bytes, name: str, kind: type[decode.ScanError] = decode.UnreadableScan) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(kind) as error:
        open_scan(data, name)
    assert str(error.value).startswith(f"{name}: ") and "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("beyond", [7.0, -1.0, np.nan])
def test_floating_point_jpeg_xl_must_lie_between_0_and_1(beyond):
    pixels = np.full((32, 48, 3), 0.5, np.float32)
    good = imagecodecs.jpegxl_encode(pixels, lossless=True)
    assert open_scan(good, "good.jxl").pixels.dtype == np.float32
    pixels[3, 4] = beyond
    assert "0…1" in refused(imagecodecs.jpegxl_encode(pixels, lossless=True), "odd.jxl")


def test_jpeg_xl_boxes_without_a_picture_are_refused():
    box = struct.pack(">I4s", 16, b"Exif") + bytes(8)
    assert "no picture in it" in refused(JXL_BOXES + box + struct.pack(">I4s", 0, b"free"), "empty.jxl")
    assert "no JPEG XL" in refused(JXL_BOXES + struct.pack(">I4s", 24, b"jxlc") + bytes(16), "other.jxl")
    refused(JXL_BOXES + box, "cut.jxl")


def test_the_size_of_jpeg_xl_is_read_in_every_form_of_its_header():
    for height, width in ((32, 48), (30, 50), (40, 40), (2000, 16), (16, 700)):
        data = imagecodecs.jpegxl_encode(np.zeros((height, width, 3), np.uint8))
        assert jxl_size(data) == (width, height)
        codestream = data[data.index(JXL_MAGIC) :]
        wide = struct.pack(">I4sQ", 1, b"jxlp", 20 + len(codestream)) + bytes(4)  # a box with a length of 64 bits
        assert jxl_size(JXL_BOXES + wide + codestream) == (width, height)


def test_the_size_of_a_jpeg_is_read_behind_fill_bytes_and_tables():
    table_of_two = b"\xff\xc4\x00\x02"
    header = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 20, 30, 1)
    assert jpeg_size(b"\xff\xd8\xff" + table_of_two + header) == (30, 20)
    assert jpeg_size(b"\xff\xd8" + table_of_two) is None and jpeg_size(b"II*\0" + bytes(20)) is None


def test_a_picture_far_longer_than_wide_is_refused_before_it_is_decoded():
    claimed = png(None, size=(4000, 20))
    assert "too narrow to show a frame" in refused(claimed, "line.png", decode.EmptyScan)


def test_memory_that_runs_out_is_a_sentence(monkeypatch):
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decode, "_decode_any", full)
    assert "too large for this machine's memory" in refused(b"any bytes", "vast.tif", decode.ScanTooLarge)


def test_a_png_whose_exif_is_broken_opens_upright_without_it():
    plain = png(eight_bit(frame(30, 40)))
    scan = open_scan(plain[:33] + chunk(b"eXIf", b"II*\0" + b"\xff" * 40) + plain[33:], "odd.png")
    assert scan.pixels.shape == (30, 40, 3) and scan.exif is None


def test_an_unknown_method_of_inverting_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="'print'") as error:
        invert(np.zeros((20, 30, 3)), "print")
    assert all(method in str(error.value) for method in METHODS)
    Image.fromarray(eight_bit(frame(30, 40))).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="'print'"):
        save_positive(tmp_path / "a.png", tmp_path / "out", ".jpg", "print")


def test_a_table_is_refused_before_hours_of_work_where_it_could_not_be_written(tmp_path, monkeypatch):
    for path, words in (
        (tmp_path / "verdicts.xlsx", "name the file so"),
        (tmp_path / "gone" / "verdicts.csv", "make it first"),
    ):
        with pytest.raises(OutputError, match=words):
            check(path)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match="this is a folder"):
        check(tmp_path / "folder.csv")
    monkeypatch.setattr(os, "access", lambda *_: False)  # what root is never told
    with pytest.raises(OutputError, match="may not be written to"):
        check(tmp_path / "verdicts.csv")
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match="pip install pyarrow"):
        check(tmp_path / "verdicts.parquet")


def test_a_gate_of_another_shape_is_refused(weights: Path, tmp_path):
    broken = shutil.copytree(weights, tmp_path / "broken")
    config = json.loads((broken / "config.json").read_text())
    config["gate"]["mean"] = config["gate"]["mean"][:-1]
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="the shapes of its gate do not fit"):
        darkroom.load(broken)


def test_a_picture_too_large_to_flag_is_not_sent(tmp_path, monkeypatch):
    (tmp_path / "frame.jpg").write_bytes(bytes(2_000_001))
    monkeypatch.setattr(flag, "LARGEST_FLAG", 2_000_000)
    monkeypatch.setattr(flag, "HfApi", lambda: pytest.fail("nothing may be sent"))
    with pytest.raises(flag.FlagTooLarge, match=r"^frame\.jpg: over 2 MB"):
        flag.send_flag("tester/flags", tmp_path / "frame.jpg", {"file": "frame.jpg", "verdict": "damaged"})


def test_the_package_lists_its_three_names_and_no_others():
    assert {"invert", "load", "open_scan"} <= set(dir(darkroom))
    with pytest.raises(AttributeError, match="'print'"):
        darkroom.print  # noqa: B018
