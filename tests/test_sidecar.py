"""The downloads of a roll: XMP sidecars and the table."""

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import film
from darkroom.files.sidecar import xmp
from darkroom.film.scan import open_scan
from darkroom.judge.roll import JudgedFrame, sidecars_of, table_of
from darkroom.judge.verdict import Judge, Verdict, load


@pytest.fixture(scope="module")
def judge(weights: Path) -> Judge:
    return load(weights)


@pytest.fixture(scope="module")
def verdict(judge: Judge) -> Verdict:
    return judge.judge(open_scan(film.png(film.eight_bit(film.frame())), name="frame.png"))


def test_sidecars_of_equal_names_do_not_overwrite_each_other(verdict: Verdict):
    named = [
        JudgedFrame(name, None, replace(verdict, file=name)) for name in ("a/1.jpg", "a/1.tif", "b/1.jpg", "b/<&>.jpg")
    ]
    with zipfile.ZipFile(io.BytesIO(sidecars_of(named))) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names)) == 1 + 4 + 3
    assert {"name.ext.xmp/a/1.tif.xmp", "name.xmp/b/1.xmp"} <= set(names)


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "ü" * 126 + ".x", "x" * 255])
def test_the_sidecars_of_a_file_with_the_longest_name_can_be_unpacked(verdict: Verdict, tmp_path: Path, name: str):
    roll = [JudgedFrame(f"day 1/{name}", None, verdict)]
    with zipfile.ZipFile(io.BytesIO(sidecars_of(roll))) as archive:
        archive.extractall(tmp_path)
    written = list(tmp_path.rglob("*.xmp"))
    files = [path for path in written if path.is_file()]
    assert len(files) == 2 and all(path.read_text() == xmp(verdict.sidecar(name)) for path in files)
    assert all(path.parent.name == "day 1" and path.name.startswith(name[:100]) for path in files)


def test_the_sidecar_of_what_is_no_colour_negative_says_so_and_gives_no_probability(verdict: Verdict):
    slide = replace(verdict, verdict="check", reason="A slide.", evidence=replace(verdict.evidence, positive=0.99))
    slide = replace(slide, defects=dict.fromkeys(verdict.defects, 0.9))
    text = xmp(slide.sidecar(slide.file))
    assert re.findall("<rdf:li>(.*?)</rdf:li>", text)[:2] == ["check", "no colour negative"]
    assert ">A slide.<" in text and "%" not in text and "holes" not in text and 'xmp:Rating="0"' in text


def test_the_table_quotes_what_would_break_it(verdict: Verdict):
    rows = table_of([JudgedFrame('odd, "name".jpg', None, error="odd: broken; copy it again")]).splitlines()
    assert rows[1].startswith('"odd, ""name"".jpg",') and rows[1].endswith(",odd: broken; copy it again")


WORDS = "damaged, blank area, holes"
READERS = {
    "exiv2": (["exiv2", "-px", "pr"], rf"\.Rating +XmpText +2 +-1\n.*\.subject +XmpBag +3 +{WORDS}\n"),
    "exiftool": (["exiftool", "-XMP:Rating", "-XMP:Subject"], rf"Rating +: -1\n.*Subject +: {WORDS}\n"),
}


@pytest.mark.parametrize("program", READERS)
def test_a_photographers_program_reads_rating_and_keywords_from_a_sidecar(judge: Judge, tmp_path: Path, program: str):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed (Debian: apt install exiv2 libimage-exiftool-perl)")
    verdict = judge.judge(open_scan(film.png(film.eight_bit(film.frame())), "frame.jpg"))
    chances = dict.fromkeys(verdict.defects, 0.1) | {"holes": 0.7, "blank_area": 0.9}
    path = tmp_path / "frame.jpg.xmp"
    path.write_text(xmp(replace(verdict, verdict="damaged", defects=chances).sidecar("frame.jpg")), encoding="utf-8")
    command, expected = READERS[program]
    read = subprocess.run([*command, path], capture_output=True, text=True, check=True).stdout
    assert re.search(expected, read, re.DOTALL), read
