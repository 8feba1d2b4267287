"""Verdicts for an archive: one row for every file, and the same numbers as from training and the library."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from PIL import Image

from conftest import ROOT
from darkroom import command
from darkroom.film.scan import open_scan
from darkroom.judge.network import BATCH
from darkroom.judge.verdict import COLUMNS, Judge, Prepared, load
from darkroom.scoring import judging
from darkroom.scoring.items import items_at, marked
from film import eight_bit, frame, png, sixteen_bit, thin, tiff, write
from learning import dataset
from scored import read
from simulator import not_negatives
from test_contact import cell, header, pages_of_pdf, reads

DAMAGE = "noise,blank_area,colour_patches,holes,residual_spots,dye_removal,light_leak"
MEASURED = "infrared_dust,infrared_holes,thinnest_above_base,densest_above_base,base_red,base_green,base_blue"
HEADER = f"file,verdict,p_normal,confidence,{DAMAGE},{MEASURED},reason,not_negative,error"


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Seven frames in two folders, three of them broken, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "roll 2").mkdir()
    write(folder, "a.png", png(eight_bit(frame(seed=1))))
    write(folder, "b.tif", tiff(sixteen_bit(frame(seed=2))))
    write(folder, "c.PNG", png(eight_bit(frame(seed=3))))
    write(folder, "empty.jpg", b"")
    write(folder, "notes.txt", b"not listed")
    write(folder / "roll 2", 'd, "the" Ü.png', png(eight_bit(frame(60, 40, seed=4))))
    write(folder / "roll 2", "half.png", png(eight_bit(frame(seed=5)))[:3000])
    write(folder / "roll 2", "text.jpg", b"dear diary")
    return folder


def run(weights: Path, output: Path, *paths: Path | str, more: tuple[str, ...] = ()) -> int:
    return command.main(["score", *map(str, paths), "--output", str(output), "--weights", str(weights), *more])


@pytest.fixture(scope="module")
def table(archive, weights, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("out") / "verdicts.csv"
    assert run(weights, output, archive) == 1, "some could not be judged"
    return output


def test_every_picture_has_one_row_in_order_and_a_broken_one_says_why(archive, table):
    assert table.read_text(encoding="utf-8").splitlines()[0] == HEADER
    rows = read(table)
    names = [str(Path(row["file"]).relative_to(archive)) for row in rows]
    below = ['roll 2/d, "the" Ü.png', "roll 2/half.png", "roll 2/text.jpg"]
    assert names == ["a.png", "b.tif", "c.PNG", "empty.jpg", *below]
    for row in rows:
        name = Path(row["file"]).name
        if name in ("empty.jpg", "half.png", "text.jpg"):
            assert name in row["error"] and not row["verdict"] and not row["p_normal"] and not row["holes"]
        else:
            assert row["error"] == "" and row["verdict"] in ("readable", "damaged", "check")
            p = float(row["p_normal"])
            assert 0 < p < 1 and float(row["confidence"]) == max(p, 1 - p)
            assert all(0 < float(row[defect]) < 1 for defect in COLUMNS[4:10])


def test_a_row_says_what_the_judge_says_of_that_file_alone(table, weights):
    judge = load(weights)
    judged = [row for row in read(table) if not row["error"]]
    for row in judged:
        verdict = judge.judge(open_scan(row["file"]))
        assert float(row["p_normal"]) == verdict.p_normal, "to the bit, whatever else was judged with it"
        assert row["verdict"] == verdict.verdict
    assert len({row["p_normal"] for row in judged}) == 4, "different frames, different numbers"


def test_the_network_is_given_the_same_bytes_in_training_and_in_scoring(archive, weights, tmp_path):
    large = tmp_path / "large.jpg"  # decoded small, which could differ
    Image.fromarray(eight_bit(frame())).resize((2400, 1600)).save(large)
    paths = [archive / "a.png", archive / "b.tif", large]
    images = [{"path": str(path), "bytes": path.read_bytes()} for path in paths]
    rows = Dataset.from_dict({"image": images, "name": [path.name for path in paths], "label": [1, 0, 1]})
    trained_on = dataset.prepare_dataset(rows, 64)
    judge = load(weights)
    judge.gate = None  # training has no gate: all its pictures are negatives
    for row, path in zip(trained_on, paths, strict=True):
        scored = judge.prepare(open_scan(path))
        assert row["pixels"] == scored.pixels.tobytes()
        trained_on, judged_on = row["evidence"], asdict(scored.evidence)
        assert trained_on == judged_on


def test_json_lines_and_parquet_hold_the_same_rows_as_csv(archive, weights, table, tmp_path):
    expected = [{**row, "p_normal": float(row["p_normal"] or "nan")} for row in read(table)]
    for suffix, reader in ((".jsonl", read_lines), (".parquet", lambda path: pq.read_table(path).to_pylist())):
        output = tmp_path / f"verdicts{suffix}"
        assert run(weights, output, archive) == 1
        rows = reader(output)
        assert [list(row) for row in rows] == [list(COLUMNS)] * 7
        for row, same in zip(rows, expected, strict=True):
            assert row["file"] == same["file"] and row["error"] == same["error"]
            assert row["verdict"] == (same["verdict"] or None)
            assert row["p_normal"] == (None if row["error"] else same["p_normal"])


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file_named_twice_is_judged_once_and_a_named_one_needs_no_suffix(archive, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(archive)
    bare = write(tmp_path, "scan", (archive / "a.png").read_bytes())
    output = tmp_path / "verdicts.csv"
    assert run(weights, output, "a.png", "roll 2/../a.png", archive / "a.png", bare, tmp_path / "gone.png") == 1
    rows = read(output)
    assert [row["file"] for row in rows] == ["a.png", str(bare), str(tmp_path / "gone.png")]
    assert rows[0]["p_normal"] == rows[1]["p_normal"]
    assert "no such file" in rows[2]["error"]


def test_the_prior_moves_the_verdict_by_bayes_rule(archive, weights, table, tmp_path):
    output = tmp_path / "verdicts.csv"
    assert run(weights, output, archive / "a.png", more=("--prior", "0.9")) == 0
    even, likely = float(read(table)[0]["p_normal"]), float(read(output)[0]["p_normal"])
    assert likely / (1 - likely) == pytest.approx(9 * even / (1 - even), rel=1e-6)


def test_light_is_what_the_files_are_said_to_hold(weights, tmp_path, capsys):
    write(tmp_path, "thin.tif", tiff(sixteen_bit(thin())))
    output = tmp_path / "verdicts.csv"
    said = {}
    for light in ("auto", "coded", "linear"):
        assert run(weights, output, tmp_path, more=("--light", light)) == 0
        (said[light],) = [row["reason"] for row in read(output)]
    assert said["auto"] == said["coded"] and "holds nothing" in said["linear"] and "nothing" not in said["coded"]
    with pytest.raises(SystemExit):
        run(weights, output, tmp_path, more=("--light", "bright"))
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_page_of_text_has_no_probability_and_an_empty_frame_is_damaged(weights, tmp_path, suffix):
    write(tmp_path, "black.png", png(np.zeros((200, 300, 3), np.uint8)))
    write(tmp_path, "clear.png", png(np.full((200, 300, 3), 255, np.uint8)))
    write(tmp_path, "grey.png", png(np.full((200, 300, 3), 120, np.uint8)))
    write(tmp_path, "letter.png", png(eight_bit(not_negatives.page(frame(200, 300), np.random.default_rng(1)))))
    output = tmp_path / f"verdicts{suffix}"
    assert run(weights, output, tmp_path) == 0
    reader = {".csv": read, ".jsonl": read_lines, ".parquet": lambda path: pq.read_table(path).to_pylist()}[suffix]
    *empty, letter = reader(output)
    for row in empty:
        assert row["verdict"] == "damaged" and "holds nothing" in row["reason"] and not row["not_negative"]
        assert float(row["p_normal"]) < 0.5 and float(row["blank_area"]) > 0.9
    assert letter["verdict"] == "check" and letter["not_negative"] == "page" and "page of text" in letter["reason"]
    nothing = "" if suffix == ".csv" else None
    assert all(letter[column] == nothing for column in ("p_normal", "confidence", *DAMAGE.split(",")))


def test_more_scans_than_a_batch_keep_their_order_in_two_processes(weights, tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    for i in range(2 * BATCH + 5):
        write(scans, f"{i:03}.png", png(eight_bit(frame(24, 36, seed=i))) if i % 7 else b"broken")
    alone, shared = tmp_path / "alone.csv", tmp_path / "shared.csv"
    assert run(weights, alone, scans) == 1
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words += [ROOT / "train/score.py", scans, "--output", shared, "--weights", weights]
    words += ["--contact-sheet", tmp_path / "sheet.jpg"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("31 judged") == 1, "one process speaks for both"
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == ["sheet-1.jpg", "sheet-2.jpg"]
    with Image.open(tmp_path / "sheet-2.jpg") as page:
        assert reads(header(page), "37 frames", 9.5) and reads(cell(page, 0), "036.png", 7.5)
    assert shared.read_bytes() == alone.read_bytes()
    assert [row["file"] for row in read(alone)] == sorted(map(str, scans.iterdir()))


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("verdicts.xlsx", ".csv, .jsonl, .parquet"),
        ("gone/verdicts.csv", "no such folder"),
        ("folder.csv", "this is a folder"),
        ("other", "this is a folder with other files in it"),
        ("file", "this is a file"),
    ],
)
def test_an_output_that_cannot_be_is_said_before_any_work(output, words, archive, tmp_path, capsys):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", "letter.txt", b"dear diary")
    write(tmp_path, "file", b"")
    assert run(tmp_path / "no weights needed yet", tmp_path / output, archive) == 2
    said = capsys.readouterr()
    assert words in said.err and len(said.err.strip().splitlines()) == 1 and not said.out


def test_where_nothing_could_be_judged_the_exit_code_is_2_with_a_line_a_file(tmp_path, weights):
    write(tmp_path, "text.jpg", b"dear diary")
    write(tmp_path, "empty.jpg", b"")
    write(tmp_path, "half.png", png(eight_bit(frame()))[:2000])
    write(tmp_path, "bomb.png", png(None, size=(30_000, 30_000)))
    names = ["text.jpg", "empty.jpg", "half.png", "bomb.png", "gone.jpg"]
    words = [sys.executable, "-m", "darkroom", "score", *names, "-o", "v.csv", "--weights", weights]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and not done.stdout
    for name, words in zip(names, ("not a picture", "empty", "cut short", "megapixels", "no such file"), strict=True):
        lines = [line for line in done.stderr.splitlines() if line.lstrip("\r ").startswith(name)]
        assert len(lines) == 1 and words in lines[0]
    assert [row["file"] for row in read(tmp_path / "v.csv")] == names


def test_a_folder_without_pictures_and_missing_weights_are_each_one_line(archive, tmp_path, weights, capsys):
    assert run(weights, tmp_path / "v.csv", tmp_path) == 2
    assert "no pictures there" in capsys.readouterr().err
    assert run(tmp_path / "gone", tmp_path / "v.csv", archive) == 2
    said = capsys.readouterr().err
    assert "gone" in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "v.csv").exists()


def test_a_mistyped_folder_leaves_the_last_verdicts_as_they_were(weights, tmp_path, capsys):
    output = write(tmp_path, "verdicts.csv", b"yesterday's\n")
    assert run(weights, output, tmp_path / "scnas") == 2
    assert "scnas: no such file or folder; check the path" in capsys.readouterr().err
    assert output.read_text() == "yesterday's\n"


def test_a_run_that_breaks_off_leaves_the_last_verdicts_as_they_were(archive, weights, tmp_path, monkeypatch, capsys):
    output = tmp_path / "verdicts.csv"
    output.write_text("yesterday's\n")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("darkroom.files.table.VerdictsFile.write", full)
    assert run(weights, output, archive) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert output.read_text() == "yesterday's\n"
    assert sorted(tmp_path.iterdir()) == [output, tmp_path / "verdicts.run"]


def test_a_scan_that_trips_the_judge_costs_its_own_row_only(archive, weights, tmp_path, monkeypatch, capsys):
    honest = Judge.prepare

    def prepare(judge: Judge, scan: object) -> Prepared:
        if scan.name.endswith("c.PNG"):
            raise ZeroDivisionError("odd")
        return honest(judge, scan)

    monkeypatch.setattr(Judge, "prepare", prepare)
    output = tmp_path / "verdicts.csv"
    assert run(weights, output, archive) == 1
    odd = [row for row in read(output) if "ZeroDivisionError" in row["error"]]
    assert len(odd) == 1 and odd[0]["file"].endswith("c.PNG")


def test_a_name_that_is_no_utf_8_is_written_with_its_odd_bytes_escaped(weights, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    Path(odd).write_bytes(png(eight_bit(frame())))
    for suffix in (".csv", ".parquet"):
        assert run(weights, tmp_path / f"v{suffix}", tmp_path) == 0
    assert read(tmp_path / "v.csv")[0]["file"].endswith("caf\\udce9.png")


def test_memory_does_not_grow_with_the_archive(weights, tmp_path, monkeypatch):
    """However many scans wait, at most a batch of them has been read ahead."""
    judge, opened = load(weights), []
    path = write(tmp_path, "a.png", png(eight_bit(frame())))
    monkeypatch.setattr(judging, "open_scan", lambda path, name, **_: opened.append(name) or open_scan(path, name))
    (item,) = map(marked, items_at([str(path)], print))
    readers = 4
    stream = judging.Judging(judge, readers=readers).each([item] * 500)
    for taken in range(1, 20):
        assert len(next(stream)) == 1
        assert len(opened) <= taken + readers + BATCH
    stream.close()


def test_a_contact_sheet_is_written_beside_the_verdicts(archive, weights, tmp_path, capfd):
    sheet = tmp_path / "sheet.pdf"
    assert run(weights, tmp_path / "v.csv", archive / "roll 2", more=("--contact-sheet", str(sheet))) == 1
    assert f"{sheet}: the contact sheet" in capfd.readouterr().err
    (page,) = pages_of_pdf(sheet)
    assert reads(header(page), "roll 2", 16, bold=True) and reads(header(page), "3 frames", 9.5)
    rows = read(tmp_path / "v.csv")
    assert [row["error"] != "" for row in rows] == [False, True, True]
    assert reads(header(page), "2 not judged", 9.5) and reads(cell(page, 2), "text.jpg", 7.5)
    for words in ((str(tmp_path / "sheet.png"),), (str(tmp_path / "gone/sheet.pdf"),)):
        assert run(weights, tmp_path / "w.csv", archive, more=("--contact-sheet", *words)) == 2
        said = capfd.readouterr().err
        assert words[0].rsplit("/", 1)[0] in said and len(said.strip().splitlines()) == 1
        assert not (tmp_path / "w.csv").exists()
