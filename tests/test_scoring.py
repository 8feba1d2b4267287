"""What a run over an archive takes in and gives out: lists, patterns, ZIPs, odd names; light table, sidecars."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from conftest import ROOT
from darkroom import command
from darkroom.files import table
from darkroom.files.sidecar import xmp
from darkroom.files.sidecar_file import merge_beside
from darkroom.files.table import OutputError
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load
from darkroom.scoring import lighttable
from darkroom.scoring.duplicates import alike
from darkroom.scoring.items import items_at, marked
from darkroom.scoring.judging import Judging, shape_of
from darkroom.scoring.rollup import GRID, share_damaged
from film import drawn, eight_bit, frame, png, sixteen_bit, tiff, write
from test_files import pages


def small(seed: int, height: int = 96, width: int = 144) -> bytes:
    return png(eight_bit(frame(height, width, seed)))


def run(weights: Path, output: Path, *words: Path | str) -> int:
    return command.main(["score", *map(str, words), "--output", str(output), "--weights", str(weights), "--quiet"])


def read(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(path: Path, below: Path) -> list[str]:
    return [str(Path(row["file"]).relative_to(below)) for row in read(path)]


@pytest.fixture
def scans(tmp_path) -> Path:
    folder = tmp_path / "scans"
    for box in ("box 1", "box 2"):
        (folder / box).mkdir(parents=True)
        for seed in range(3):
            write(folder / box, f"{seed}.png", small(seed + 3 * (box == "box 2")))
    return folder


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


def test_a_name_without_a_suffix_is_a_folder_of_parquet_files(scans, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "PART_ROWS", 4)
    assert run(weights, tmp_path / "v.csv", scans) == 0
    for _ in range(2):  # the second replaces the first
        assert run(weights, tmp_path / "v", scans) == 0
        parts = sorted((tmp_path / "v").iterdir())
        assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet"]
        assert [pq.read_metadata(part).num_rows for part in parts] == [4, 2]
    files = [row["file"] for row in pq.read_table(tmp_path / "v").to_pylist()]
    assert files == [row["file"] for row in read(tmp_path / "v.csv")]


def test_the_manifest_says_what_the_table_was_made_with(scans, weights, tmp_path):
    assert run(weights, tmp_path / "v.csv", scans, "--prior", "0.8") == 0
    said = json.loads((tmp_path / "v.run/manifest.json").read_text())
    summed = subprocess.run(
        ["sha256sum", weights / "model.safetensors"], capture_output=True, text=True
    ).stdout.split()[0]
    assert said["model"]["sha256"]["model.safetensors"] == summed
    assert said["prior"] == 0.8 and said["files"] == said["frames"] == sum(said["counts"].values()) == 6
    calibration = load(weights).calibration
    assert said["thresholds"] == {
        "readable_above": calibration.readable_above,
        "damaged_below": calibration.damaged_below,
    }
    assert {"darkroom", "torch", "python", "pillow"} <= said["versions"].keys()


def test_only_and_print0_give_the_frames_of_one_verdict_to_other_tools(weights, tmp_path, capfdbinary):
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans, "clear\n1.png", png(np.full((200, 300, 3), 255, np.uint8)))
    write(scans, "clear 2.png", png(np.full((200, 300, 3), 250, np.uint8)))
    write(scans, "picture.png", small(1, 200, 300))
    write(scans, "text.jpg", b"dear diary")
    assert run(weights, tmp_path / "all.csv", scans) == 1
    words = {row["file"]: row["verdict"] for row in read(tmp_path / "all.csv")}
    damaged = [name for name, verdict in words.items() if verdict == "damaged"]
    assert len(damaged) >= 2
    capfdbinary.readouterr()
    assert run(weights, tmp_path / "damaged.csv", scans, "--only", "damaged", "--print0") == 1
    assert [row["file"] for row in read(tmp_path / "damaged.csv")] == damaged
    assert capfdbinary.readouterr().out == b"".join(os.fsencode(name) + b"\0" for name in damaged)
    assert command.main(["score", str(scans), "-o", str(tmp_path / "x.csv"), "--print0", "--json"]) == 2


def test_json_lines_say_how_far_it_is(scans, weights, tmp_path, capsys):
    write(scans, "text.jpg", b"dear diary")
    words = ["score", str(scans), "-o", str(tmp_path / "v.csv"), "--weights", str(weights), "--json"]
    assert command.main(words) == 1
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert not said.err
    (error,) = [line for line in lines if line["event"] == "error"]
    assert error["file"].endswith("text.jpg") and "not a picture" in error["error"]
    last = [line for line in lines if line["event"] == "progress"][-1]
    assert last["files"] == last["of"] == 7 and last["seconds_left"] == 0 and last["files_a_second"] > 0
    assert lines[-1]["event"] == "end" and lines[-1]["not_judged"] == 1
    assert sum(lines[-1][word] for word in ("readable", "damaged", "check")) == 6


def test_the_light_table_has_its_worst_frames_first_on_pages_of_a_few_hundred(scans, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(lighttable, "EACH", 4)
    write(scans, "<b>&.png", small(9))
    write(scans, "text.jpg", b"dear diary")
    assert run(weights, tmp_path / "v.csv", scans, "--light-table") == 1
    run_folder = tmp_path / "v.run"
    pages_ = [(run_folder / name).read_text() for name in ("index.html", "page-00002.html")]
    assert not (run_folder / "page-00003.html").exists()
    shown = [path for page in pages_ for path in (line for line in page.splitlines() if line.startswith("<li "))]
    rows = sorted((row for row in read(tmp_path / "v.csv") if row["p_normal"]), key=lambda row: float(row["p_normal"]))
    assert len(shown) == 8 and "Not judged" in shown[-1] and "dear" not in shown[-1]
    for line, row in zip(shown, rows, strict=False):
        assert Path(row["file"]).name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in line
        picture = line.split('src="')[1].split('"')[0]
        with Image.open(run_folder / picture) as image:
            assert image.format == "JPEG"
    assert "<b>&.png" not in "".join(pages_) and 'href="page-00002.html"' in pages_[0]
    assert run(weights, tmp_path / "v.csv", scans / "box 1", "--light-table") == 0
    assert not (run_folder / "page-00002.html").exists(), "a shorter table has no pages of the longer one"


FOREIGN = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- of another program -->
 <RDF:RDF xmlns:RDF="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <RDF:Description RDF:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:darktable="http://darktable.sf.net/" xmp:Rating="4" darktable:history_end="3">
   <dc:subject><RDF:Bag><RDF:li>Lübeck &amp; harbour</RDF:li></RDF:Bag></dc:subject>
  </RDF:Description>
 </RDF:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
}


def keywords(path: Path, where: str = "dc:subject") -> list[str | None]:
    root = ElementTree.parse(path)
    return [item.text for item in root.iterfind(f".//{where}/rdf:Bag/rdf:li", NAMES)]


def test_a_sidecar_is_added_to_that_of_another_program_and_never_put_in_its_place(scans, weights, tmp_path):
    own, foreign = scans / "box 1/0.png", scans / "box 1/1.png"
    before = own.read_bytes()
    write(foreign.parent, "1.xmp", FOREIGN.encode())
    assert run(weights, tmp_path / "v.csv", scans, "--sidecars") == 0
    (row, other) = read(tmp_path / "v.csv")[:2]
    assert keywords(own.with_name("0.png.xmp"))[0] == row["verdict"] and own.read_bytes() == before
    text = foreign.with_name("1.xmp").read_text(encoding="utf-8")
    assert not foreign.with_name("1.png.xmp").exists()
    assert keywords(foreign.with_name("1.xmp"))[:2] == ["Lübeck & harbour", other["verdict"]]
    assert keywords(foreign.with_name("1.xmp"), "lr:hierarchicalSubject")[0] == f"negative|{other['verdict']}"
    assert 'xmp:Rating="4"' in text and 'darktable:history_end="3"' in text and "of another program" in text
    assert text.startswith('<?xpacket begin="\ufeff"') and text.rstrip().endswith('<?xpacket end="w"?>')
    assert run(weights, tmp_path / "v.csv", scans, "--sidecars") == 0
    assert foreign.with_name("1.xmp").read_text(encoding="utf-8") == text, "told twice, it says it once"


def test_a_sidecar_forgets_what_an_earlier_verdict_said_and_keeps_what_people_wrote(tmp_path):
    picture, said = tmp_path / "a.png", lambda word, label: [(-1, label, [word, "holes"], f"It is {word}.")]
    path = write(tmp_path, "a.png.xmp", FOREIGN.encode())
    merge_beside(picture, said("damaged", "Red"))
    merge_beside(picture, [(0, "Green", ["readable"], "Nothing.")])
    assert keywords(path) == ["Lübeck & harbour", "readable"]
    assert keywords(path, "lr:hierarchicalSubject") == ["negative|readable"]
    two = [(-1, "Red", ["damaged"], "One."), (0, "Green", ["readable"], "Two.")]
    strip = tmp_path / "strip.tif"
    merge_beside(strip, two)
    text = (tmp_path / "strip.tif.xmp").read_text()
    assert 'xmp:Rating="0"' in text and 'xmp:Label="Red"' in text and "1: One. 2: Two." in text
    for broken in (b"<x>", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', b"<a/>"):
        write(tmp_path, "b.png.xmp", broken)
        with pytest.raises(OutputError, match="not a sidecar that can be added to"):
            merge_beside(tmp_path / "b.png", two)
        assert (tmp_path / "b.png.xmp").read_bytes() == broken


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


def test_an_array_of_jobs_gives_the_table_of_one_whichever_of_them_died(scans, weights, tmp_path):
    write(scans, "strip.tif", pages((eight_bit(frame(seed=1)), {}), (eight_bit(frame(seed=2)), {})))
    write(scans, "text.jpg", b"dear diary")
    alone, shared = tmp_path / "alone/v.csv", tmp_path / "shared/v.csv"
    for output in (alone, shared):
        output.parent.mkdir()
    words = [scans, "--light-table"]
    assert run(weights, alone, *words) == 1
    command_ = [sys.executable, "-m", "darkroom", "score", *words, "--output", shared, "--weights", weights, "--quiet"]
    jobs = [subprocess.Popen(list(map(str, [*command_, "--share", f"{i}/3"])), cwd=ROOT / "space") for i in range(2)]
    assert [job.wait(400) for job in jobs] == [0, 0]  # the third never ran
    assert len(list((tmp_path / "shared/v.run").glob("share-*.sqlite"))) == 2 and not shared.exists()
    assert run(weights, shared, *words) == 1
    for path in (alone, alone.parent / "v.run/folders.csv", alone.parent / "v.run/index.html"):
        assert path.read_bytes() == (tmp_path / "shared" / path.relative_to(alone.parent)).read_bytes()
    assert not list((tmp_path / "shared/v.run").glob("share-*"))
    for share in ("3/3", "1", "a/b"):
        assert run(weights, shared, scans, "--share", share) == 2


def test_the_xmp_that_is_written_first_can_be_added_to(tmp_path):
    from darkroom.files.sidecar import Sidecar

    text = xmp(Sidecar("a.png", -1, "Red", ["damaged", "light leak"], "Why <so>?"))
    path = write(tmp_path, "a.png.xmp", text.encode())
    merge_beside(tmp_path / "a.png", [(-1, "Red", ["damaged", "light leak"], "Why <so>?")])
    assert keywords(path) == ["damaged", "light leak"]
    assert path.read_text(encoding="utf-8").count("Why &lt;so&gt;?") == 1


def test_an_accelerator_takes_frames_in_batches_and_says_what_threads_say(scans, weights, monkeypatch):
    """Where the network runs apart from the threads; here on the processor all the same."""
    write(scans, "text.jpg", b"dear diary")
    items = [*map(marked, items_at([str(scans)], print))]
    in_threads, apart = Judging(load(weights), readers=3), Judging(load(weights), readers=3)
    apart.in_threads = False
    one, other = ([pair for some in judging.each(items) for pair in some] for judging in (in_threads, apart))
    assert one == other and len(one) == 7


def test_what_is_said_of_a_frame_does_not_depend_on_those_in_its_batch(weights, monkeypatch):
    judge = load(weights)
    prepared = [judge.prepare(open_scan(small(seed), f"{seed}.png")) for seed in range(5)]
    prepared.append(judge.prepare(open_scan(small(9, 144, 96), "upright.png")))
    alone = [judge.judge_prepared([each])[0].row() for each in prepared]
    assert [verdict.row() for verdict in judge.judge_prepared(prepared)] == alone
    monkeypatch.setattr("darkroom.judge.accelerator.BATCH", 4)
    judge.accelerate(torch.device("cpu"))
    sizes = []
    judge.run.model.register_forward_pre_hook(lambda model, inputs: sizes.append(len(inputs[0])))
    batched = [verdict.row() for verdict in judge.judge_prepared(prepared)]
    assert sizes == [4, 4, 4], "a batch is filled up"
    assert batched == [verdict.row() for n in range(6) for verdict in judge.judge_prepared(prepared[n : n + 1])]
