"""What a run over an archive takes: patterns, lists, ZIPs, odd files."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from darkroom import command
from darkroom.scoring.judging import Judging
from film import frame, sixteen_bit, tiff, write
from scored import names, read, run, small


def test_a_pattern_a_list_and_a_parquet_list_name_files(scans, weights, tmp_path):
    output = tmp_path / "v.csv"
    assert run(weights, output, scans / "**/[12].png") == 0
    assert names(output, scans) == ["box 1/1.png", "box 1/2.png", "box 2/1.png", "box 2/2.png"]
    rows = [("box 2/0.png", 7), ("box 1/2.png", 8), ("box 1/gone.png", 9)]
    for delimiter in ",;\t":
        text = "\n".join(delimiter.join(map(str, row)) for row in [("File", "shelf"), *rows, ("", 1)])
        write(scans, "list.csv", ("\ufeff" + text).encode())
        assert run(weights, output, scans / "list.csv") == 1
        assert names(output, scans) == [name for name, _ in rows]
    pq.write_table(pa.table({"path": [name for name, _ in rows]}), scans / "list.parquet")
    as_csv = output.read_bytes()
    assert run(weights, output, scans / "list.parquet") == 1
    assert output.read_bytes() == as_csv
    assert run(weights, tmp_path / "again.csv", output) == 1, "a table of verdicts is a list too"


def test_a_list_without_a_column_of_files_and_a_pattern_without_a_match_are_said(scans, weights, tmp_path, capsys):
    write(tmp_path, "list.csv", b"shelf,box\n1,2\n")
    assert run(weights, tmp_path / "v.csv", tmp_path / "list.csv") == 2
    assert "no column says which files; call it file" in capsys.readouterr().err
    write(tmp_path, "list.parquet", b"not a table")
    assert run(weights, tmp_path / "v.csv", tmp_path / "list.parquet") == 2
    assert "cannot be read as a table of files" in capsys.readouterr().err
    assert command.main(["score", str(scans / "*.xyz"), "-o", str(tmp_path / "v.csv"), "--weights", str(weights)]) == 2
    assert "nothing is called so; check the pattern" in capsys.readouterr().err


def test_the_pictures_of_a_zip_are_judged_as_they_are_unpacked(weights, tmp_path):
    plane = np.full((200, 300, 1), 40_000, np.uint16)
    plane[50:60, 70:90] -= 10_000
    scan, letter = tiff(sixteen_bit(frame(200, 300, seed=2))), b"dear diary"
    inside = {"roll/a.tif": scan, "roll/a_IR.tif": tiff(plane), "b.png": small(1), "notes.txt": letter, "c.jpg": letter}
    with zipfile.ZipFile(tmp_path / "roll.zip", "w") as packed:
        for name, data in inside.items():
            packed.writestr(name, data)
        packed.writestr("../out.png", small(2))
    write(tmp_path, "a.tif", scan)
    write(tmp_path, "a_IR.tif", tiff(plane))
    write(tmp_path, "no.zip", letter)
    output = tmp_path / "v.csv"
    assert run(weights, output, tmp_path / "roll.zip", tmp_path / "a.tif", tmp_path / "no.zip") == 1
    first, second, text, out, plain, broken = read(output)
    assert [Path(row["file"]).name for row in (first, second, text)] == ["a.tif", "b.png", "c.jpg"]
    assert {**first, "file": ""} == {**plain, "file": ""} and first["infrared_dust"]
    assert second["verdict"] and "not a picture" in text["error"]
    assert "leads out of the archive" in out["error"] and "not a ZIP archive" in broken["error"]


ODD = {
    "1 empty.jpg": b"",
    "2 fax.tif": None,
    "3 raw.nef": bytes(3000),
    "4 new\nline.png": small(1),
    "5 caf\udce9.png": small(2),
    "6 half.jpg": b"\xff\xd8\xff\xe0" + bytes(20),
}


def test_every_odd_file_is_a_row_and_the_run_goes_on(weights, tmp_path, monkeypatch):
    folder = tmp_path / "odd"
    (folder / "locked").mkdir(parents=True)
    for name, data in ODD.items():
        if data is None:
            Image.fromarray(np.eye(200, 300) > 0).save(folder / name, compression="group4")
        else:
            write(folder, name, data)
    (folder / "7 link.png").symlink_to("nowhere.png")
    (folder / "loop").symlink_to(folder)
    (folder / "8 loop.png").symlink_to("8 loop.png")
    os.mkfifo(folder / "9 pipe.jpg")
    listing = os.scandir

    def scandir(path):  # root may list all
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert run(weights, tmp_path / "v.csv", folder, folder / "9 pipe.jpg") == 1
    rows = {Path(row["file"]).name: row for row in read(tmp_path / "v.csv")}
    said = {name: row["error"] for name, row in rows.items()}
    good = ["2 fax.tif", "4 new\nline.png", "5 caf\\udce9.png"]
    assert sorted(name for name in said if not said[name]) == good
    assert all(rows[name]["verdict"] for name in good)
    for name, words in {
        "1 empty.jpg": "the file is empty",
        "3 raw.nef": "not a camera raw we can open",
        "6 half.jpg": "not a picture we can open",
        "7 link.png": "a link that leads nowhere",
        "8 loop.png": "a link that leads nowhere",
        "9 pipe.jpg": "not a file that can be read",
        "locked": "cannot be listed (Permission denied)",
    }.items():
        assert words in said[name] and said[name], name
    assert len(rows) == 10


def test_a_file_that_grows_while_it_is_read_is_an_error_until_it_is_whole(weights, tmp_path, monkeypatch):
    path = write(tmp_path, "a.png", small(1))
    honest = Judging._ready

    def growing(self, item, scan, number):
        with path.open("ab") as file:
            file.write(b"more")
        return honest(self, item, scan, number)

    monkeypatch.setattr(Judging, "_ready", growing)
    assert run(weights, tmp_path / "v.csv", path) == 2
    (row,) = read(tmp_path / "v.csv")
    assert "changed while it was read" in row["error"] and not row["verdict"]
    monkeypatch.undo()
    assert run(weights, tmp_path / "v.csv", path) == 0
