"""What a run over an archive writes: tables, manifest, lines of JSON, light table, sidecars."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from darkroom import command
from darkroom.files import table
from darkroom.files.sidecar import xmp
from darkroom.files.sidecar_file import merge_beside
from darkroom.files.table import OutputError
from darkroom.judge.verdict import load
from darkroom.scoring import lighttable
from film import png, write
from scored import read, run, small


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


def test_a_keyword_of_ours_that_a_person_wrote_first_stays_theirs(tmp_path):
    path = write(tmp_path, "a.png.xmp", FOREIGN.replace("Lübeck &amp; harbour", "holes").encode())
    assert keywords(path) == ["holes"]
    merge_beside(tmp_path / "a.png", [(-1, "Red", ["damaged", "holes"], "Torn.")])
    assert keywords(path) == ["holes", "damaged"]
    merge_beside(tmp_path / "a.png", [(0, "Green", ["readable"], "Nothing.")])
    assert keywords(path) == ["holes", "readable"]


def test_the_xmp_that_is_written_first_can_be_added_to(tmp_path):
    from darkroom.files.sidecar import Sidecar

    text = xmp(Sidecar("a.png", -1, "Red", ["damaged", "light leak"], "Why <so>?"))
    path = write(tmp_path, "a.png.xmp", text.encode())
    merge_beside(tmp_path / "a.png", [(-1, "Red", ["damaged", "light leak"], "Why <so>?")])
    assert keywords(path) == ["damaged", "light leak"]
    assert path.read_text(encoding="utf-8").count("Why &lt;so&gt;?") == 1
