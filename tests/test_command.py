"""The command `darkroom`: what it prints and writes, its errors of one sentence, its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom import command, invert, load, open_scan
from darkroom.files.table import OutputError
from film import eight_bit, frame, png, sixteen_bit, tiff, write
from test_files import pages


@pytest.fixture
def negative(tmp_path) -> Path:
    return write(tmp_path, "frame.png", png(eight_bit(frame(seed=1))))


def refused(capsys, *words: object) -> str:
    """The one sentence with which a command ends."""
    assert command.main(list(map(str, words))) == 2
    said = capsys.readouterr()
    assert len(said.err.strip().splitlines()) == 1 and not said.out
    return said.err


def test_judge_prints_a_line_a_frame(negative, weights, capsys):
    assert command.main(["judge", str(negative), "--weights", str(weights)]) == 0
    verdict = load(weights).judge(negative)
    chance = f"{100 * verdict.p_normal:.0f} %"
    assert capsys.readouterr().out == f"{negative}: {verdict.verdict} (readable: {chance}). {verdict.reason}\n"


def test_judge_names_no_probability_of_what_is_no_frame(tmp_path, weights, capsys):
    black_and_white = np.repeat(frame(200, 300).mean(axis=-1, keepdims=True), 3, axis=-1)
    path = write(tmp_path, "grey.png", png(eight_bit(black_and_white)))
    assert command.main(["judge", str(path), "--weights", str(weights)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: check. This does not look like a colour negative")


def test_judge_prints_the_rows_of_scoring_as_json_and_goes_on_after_a_broken_file(tmp_path, negative, weights, capsys):
    broken = write(tmp_path, "text.jpg", b"dear diary")
    words = ["judge", str(broken), str(negative), "--json", "--prior", "0.9", "--weights", str(weights)]
    assert command.main(words) == 1
    said = capsys.readouterr()
    bad, good = map(json.loads, said.out.splitlines())
    assert bad["error"] == said.err.strip() and str(broken) in bad["error"] and bad["verdict"] is None
    expected = load(weights).judge(negative, prior=0.9).row()
    assert good.keys() == expected.keys() == bad.keys()
    assert good["p_normal"] == pytest.approx(expected["p_normal"], abs=1e-5) and good["reason"] == expected["reason"]


def test_judge_tells_each_frame_of_a_strip(tmp_path, weights, capsys):
    strip = write(tmp_path, "strip.tif", pages((eight_bit(frame(seed=1)), {}), (eight_bit(frame(seed=2)), {})))
    assert command.main(["judge", str(strip), "--weights", str(weights)]) == 0
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == [f"{strip}#1", f"{strip}#2"]


def test_judge_says_in_a_sentence_what_cannot_be(tmp_path, negative, weights, capsys):
    assert "no such file or folder" in refused(capsys, "judge", tmp_path / "gone.jpg")
    assert "more than 0 and less than 1" in refused(capsys, "judge", negative, "--prior", "1")
    assert str(tmp_path / "none") in refused(capsys, "judge", negative, "--weights", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "no pictures there" in refused(capsys, "judge", tmp_path / "empty")
    broken = write(tmp_path, "text.jpg", b"dear diary")
    assert "not a picture" in refused(capsys, "judge", broken, "--weights", weights)


@pytest.mark.parametrize("method", ["cvt2pos", "density"])
@pytest.mark.parametrize("suffix", [".jpg", ".TIFF"])
def test_invert_writes_the_positive_of_the_library_at_full_size(tmp_path, method, suffix, capsys):
    negative = write(tmp_path, "frame.tif", tiff(sixteen_bit(frame(300, 450))))
    output = tmp_path / f"positive{suffix}"
    assert command.main(["invert", str(negative), "-o", str(output), "--method", method]) == 0
    assert capsys.readouterr() == ("", "")
    expected = invert(open_scan(negative).rgb, method)
    written = open_scan(output)
    assert (written.format, written.bits) == (("JPEG", 8) if suffix == ".jpg" else ("TIFF", 16))
    assert written.pixels.shape == expected.shape
    assert np.abs(written.pixels / np.iinfo(written.pixels.dtype).max - expected).mean() < 0.02


def test_invert_says_that_a_strip_holds_more(tmp_path, capsys):
    strip = write(tmp_path, "strip.tif", pages((eight_bit(frame(seed=1)), {}), (eight_bit(frame(seed=2)), {})))
    assert command.main(["invert", str(strip), "-o", str(tmp_path / "positive.jpg")]) == 0
    assert "holds 2 frames" in capsys.readouterr().err


def test_invert_says_in_a_sentence_what_cannot_be_and_keeps_the_negative(tmp_path, negative, capsys):
    assert "no such file" in refused(capsys, "invert", tmp_path / "gone.jpg", "-o", tmp_path / "out.jpg")
    assert ".jpg, .jpeg, .tif, .tiff" in refused(capsys, "invert", negative, "-o", tmp_path / "out.gif")
    assert "cannot be written" in refused(capsys, "invert", negative, "-o", tmp_path / "gone/out.jpg")
    scan = tmp_path / "frame.jpg"
    Image.fromarray(eight_bit(frame())).save(scan)
    kept = scan.read_bytes()
    assert "this is the negative itself" in refused(capsys, "invert", scan, "-o", tmp_path / "." / "frame.jpg")
    assert scan.read_bytes() == kept


def test_without_a_command_or_with_an_unknown_one_the_usage_is_shown():
    for words in ([], ["develop"]):
        done = subprocess.run([sys.executable, "-m", "darkroom", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stderr.startswith("usage: darkroom") and "judge" in done.stderr


def test_a_reader_that_stops_reading_costs_no_traceback(negative, weights):
    words = [sys.executable, "-m", "darkroom", "judge", str(negative), "--weights", str(weights)]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert done.returncode == 1 and not done.stderr


def test_an_interrupt_that_broke_off_a_write_is_reported_as_one(monkeypatch, tmp_path, capsys):
    def score(*_: object) -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise OutputError("the disk") from None

    monkeypatch.setattr(command, "score", score)
    assert command.main(["score", str(tmp_path), "-o", str(tmp_path / "v.csv")]) == command.INTERRUPTED
    assert capsys.readouterr().err == "interrupted; what was judged is kept, the same command goes on\n"
