"""A roll's judgement: the summary's arithmetic, the patterns, and ZIPs that are not trusted."""

import io
import re
import resource
import shutil
import struct
import subprocess
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import film
import numpy as np
import pytest
from darkroom import archive
from darkroom.archive import Found, find_frames
from darkroom.roll import Frame, by_number, damaged_share, judge_roll, summarise, worst_first
from darkroom.scan import open_scan
from darkroom.sidecar import sidecars_zip, verdicts_csv, xmp
from darkroom.verdict import Judge, Verdict, load
from PIL import Image


@pytest.fixture(scope="module")
def judge(weights: Path) -> Judge:
    return load(weights)


@pytest.fixture(scope="module")
def verdict(judge: Judge) -> Verdict:
    out = io.BytesIO()
    Image.fromarray(film.eight_bit(film.frame())).save(out, "PNG")
    return judge.judge(open_scan(out.getvalue(), name="frame.png"))


def frame(verdict: Verdict, number: int, word: str, p_normal: float, heat: np.ndarray | None = None) -> Frame:
    heat = np.zeros((4, 4), np.float32) if heat is None else heat
    name = f"frame_{number}.jpg"
    return Frame(name, Path(name), replace(verdict, file=name, verdict=word, p_normal=p_normal, heat=heat))


def test_the_interval_is_that_of_every_possible_roll():
    chances = np.array([0.9, 0.2, 0.5, 0.05])
    by_count = np.zeros(5)
    for outcome in product((0, 1), repeat=4):
        by_count[sum(outcome)] += np.prod([p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True)])
    low, high = damaged_share(chances)
    below, above = by_count[: round(low * 4)].sum(), by_count[round(high * 4) + 1 :].sum()
    assert below <= 0.025 and above <= 0.025
    assert below + by_count[round(low * 4)] > 0.025, "the lower end could be higher"
    assert above + by_count[round(high * 4)] > 0.025, "the upper end could be lower"


def test_the_worst_frame_comes_first_and_the_unjudged_last(verdict: Verdict):
    frames = [
        Frame("x.jpg", None, error="x.jpg: broken"),
        frame(verdict, 1, "readable", 0.9),
        frame(verdict, 2, "damaged", 0.1),
    ]
    assert [each.name for each in worst_first(frames)] == ["frame_2.jpg", "frame_1.jpg", "x.jpg"]
    assert summarise(frames).counts == {"readable": 1, "check": 0, "damaged": 1, "error": 1}
    assert summarise(frames).share == pytest.approx(0.5)
    assert summarise(frames[:1]) is None


def test_what_is_no_colour_negative_comes_after_those_that_are_and_counts_in_no_share_and_no_pattern(verdict: Verdict):
    scratch = np.zeros((9, 9), np.float32)
    scratch[7:9, 0:2] = 0.9
    slide = replace(verdict.evidence, positive=0.99)
    others = [frame(verdict, number, "damaged", 0.01, scratch) for number in (1, 2, 3)]
    others = [replace(each, verdict=replace(each.verdict, evidence=slide)) for each in others]
    negatives = [frame(verdict, 8, "readable", 0.9, scratch), frame(verdict, 9, "check", 0.6, scratch)]
    every = [Frame("x.jpg", None, error="x.jpg: broken"), *others, *negatives]
    assert [each.name for each in worst_first(every)] == [f"frame_{n}.jpg" for n in (9, 8, 1, 2, 3)] + ["x.jpg"]
    alone, together = summarise(negatives), summarise(every)
    assert (together.share, together.low, together.high) == (alone.share, alone.low, alone.high)
    assert together.patterns == () and sum(together.counts.values()) == 6


def test_a_mark_at_one_place_on_several_frames_is_named_and_scattered_marks_are_not(verdict: Verdict):
    scratch = np.zeros((9, 9), np.float32)
    scratch[7:9, 0:2] = 0.9
    same = [frame(verdict, i, "damaged", 0.1, scratch) for i in range(3)] + [frame(verdict, 9, "readable", 0.9)]
    (sentence,) = summarise(same).patterns
    assert "3 frames are marked at the same place (lower left)" in sentence
    apart = [frame(verdict, i, "damaged", 0.1, np.roll(scratch, 3 * i, axis=1)) for i in range(3)]
    assert summarise([*apart, frame(verdict, 9, "readable", 0.9)]).patterns == ()


@pytest.mark.parametrize("hit, word", [((1, 2, 3), "first 3"), ((10, 11, 12), "last 3"), ((1, 6, 12), "")])
def test_damage_at_one_end_of_the_roll_points_at_the_chemistry(verdict: Verdict, hit: tuple, word: str):
    frames = [frame(verdict, i, "damaged" if i in hit else "readable", 0.5) for i in (10, 11, 12, *range(1, 10))]
    patterns = summarise(frames).patterns
    assert (f"among the {word} frames" in patterns[0]) if word else patterns == ()


def test_numbers_in_names_are_counted_and_not_spelt():
    assert sorted(["frame_10.jpg", "Frame_2.jpg", "frame_1.jpg"], key=by_number)[1] == "Frame_2.jpg"


def test_a_broken_file_does_not_stop_the_roll_nor_does_one_that_nobody_foresaw(
    judge: Judge, tmp_path: Path, monkeypatch
):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(film.eight_bit(film.frame())).save(good)
    bad.write_bytes(b"")
    folder = tmp_path / "folder.png"
    folder.mkdir()
    found = [Found(path.name, path) for path in (bad, folder, good)]
    frames = list(judge_roll(judge, found, 0.5))
    assert [each.word for each in frames][:2] == ["error", "error"] and frames[2].verdict
    assert all(each.error.startswith(f"{each.name}: ") for each in frames[:2])
    assert Image.open(io.BytesIO(frames[2].thumbnail)).size == (144, 96)


def test_a_frame_of_a_roll_has_the_verdict_that_it_has_alone(judge: Judge, tmp_path: Path):
    path = tmp_path / "frame.jpg"
    Image.fromarray(film.eight_bit(film.frame(seed=3))).resize((2400, 1600)).save(path)
    (alone,) = judge_roll(judge, [Found("frame.jpg", path)], 0.3)
    assert alone.verdict.p_normal == pytest.approx(judge.judge(open_scan(path), 0.3).p_normal, abs=1e-6)


def test_a_zip_that_is_none_and_one_that_is_broken_inside_are_named(tmp_path: Path):
    no_zip, broken = tmp_path / "words.zip", tmp_path / "broken.zip"
    no_zip.write_text("words")
    with zipfile.ZipFile(broken, "w") as packed:
        packed.writestr("frame.jpg", b"x" * 1000)
    data = bytearray(broken.read_bytes())
    data[100] ^= 255
    broken.write_bytes(data)
    found = find_frames([no_zip, broken], tmp_path / "out")
    assert [each.error.split(";")[0] for each in found] == [
        "words.zip: not a ZIP archive we can open",
        "frame.jpg: broken inside broken.zip",
    ]


def test_a_full_disk_is_not_taken_for_a_broken_archive(tmp_path: Path):
    roll = tmp_path / "roll.zip"
    with zipfile.ZipFile(roll, "w") as packed:
        packed.writestr("frame.jpg", b"x" * 100_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        (found,) = find_frames([roll], tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found.path is None and found.error == "frame.jpg: no room to unpack it here; try again later"
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_what_is_broken_in_an_archive_leaves_nothing_behind_and_counts(tmp_path: Path, monkeypatch):
    broken, whole = tmp_path / "broken.zip", tmp_path / "whole.zip"
    with zipfile.ZipFile(broken, "w") as packed:
        packed.writestr("frame.jpg", b"x" * 3000)
    data = bytearray(broken.read_bytes())
    data[2000] ^= 255
    broken.write_bytes(data)
    with zipfile.ZipFile(whole, "w") as packed:
        packed.writestr("small.jpg", b"x" * 1500)
        packed.writestr("large.jpg", b"x" * 1000)
    room = archive.Room(5000)
    monkeypatch.setattr(archive, "Room", lambda: room)
    found = find_frames([broken, whole], tmp_path / "out")
    assert [each.error.split(":")[0] for each in found] == ["frame.jpg", "", "large.jpg"]
    assert "would be unpacked" in found[2].error
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["small.jpg"]


def renamed(name: bytes, path: Path) -> Path:
    """A ZIP of one file that its directory calls `name`."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("abc", b"x")
    data = path.read_bytes()
    at = data.rfind(b"PK\1\2")
    head = bytearray(data[at : at + 46])
    struct.pack_into("<H", head, 8, 0x800)  # the name is UTF-8
    struct.pack_into("<H", head, 28, len(name))
    tail = bytearray(data[data.rfind(b"PK\5\6") :])
    struct.pack_into("<I", tail, 12, len(head) + len(name))
    path.write_bytes(data[:at] + head + name + tail)
    return path


@pytest.mark.parametrize("name", [b"", b".", b"\xff\xfe", b"/", b"x" * 300, b"a\0b"], ids=lambda name: ascii(name[:9]))
def test_an_odd_name_in_an_archive_gives_a_sentence_and_the_other_archives_go_on(tmp_path: Path, name: bytes):
    good = tmp_path / "good.zip"
    with zipfile.ZipFile(good, "w") as packed:
        packed.writestr("frame.jpg", b"x")
    found = find_frames([renamed(name, tmp_path / "odd.zip"), good], tmp_path / "out")
    assert found[-1].path and found[-1].path.read_bytes() == b"x"
    assert all("odd.zip" in each.error for each in found[:-1])


def test_a_zip_that_asks_for_a_newer_program_is_named(tmp_path: Path):
    roll = renamed(b"abc", tmp_path / "new.zip")
    data = bytearray(roll.read_bytes())
    struct.pack_into("<H", data, data.rfind(b"PK\1\2") + 6, 99)
    roll.write_bytes(data)
    (found,) = find_frames([roll], tmp_path / "out")
    assert found.error == "new.zip: not a ZIP archive we can open; pack it again"


def test_a_zip_of_very_many_files_is_refused_before_it_is_listed(tmp_path: Path, monkeypatch):
    many, few = tmp_path / "many.zip", tmp_path / "few.zip"
    with zipfile.ZipFile(many, "w") as packed:
        for i in range(1200):
            packed.writestr(f"notes/{i:04}.txt/", b"")
    with zipfile.ZipFile(few, "w") as packed:
        packed.writestr("frame.jpg", b"x")
    assert archive.directory_size(many) == 1200 * (46 + len("notes/0000.txt/"))
    monkeypatch.setattr(archive, "LARGEST_DIRECTORY", 50_000)
    found = find_frames([many, few], tmp_path / "out")
    assert found[0].error == "many.zip: holds far too many files; pack the frames of one roll" and len(found) == 2
    wide = bytearray(many.read_bytes())
    size = struct.unpack_from("<I", wide, len(wide) - 10)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1200, 1200, *size, 0)
    place = struct.pack("<4sIQI", b"PK\6\7", 0, len(wide) - 22, 1)
    struct.pack_into("<I", wide, len(wide) - 10, 60)  # what is said there does not hold beside a wide record
    many.write_bytes(wide[:-22] + record + place + wide[-22:])
    assert archive.directory_size(many) == size[0]


def test_a_bomb_in_a_zip_is_not_unpacked(tmp_path: Path):
    roll = tmp_path / "roll.zip"
    with zipfile.ZipFile(roll, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb.tif", bytes(60_000_000))
        packed.writestr("blank.tif", bytes(2_000_000))
    found = find_frames([roll], tmp_path / "out")
    assert found[0].error.startswith("bomb.tif: unpacks to 1,0") and found[1].path
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["blank.tif"]


def test_the_frame_after_the_five_hundredth_is_named(tmp_path: Path):
    roll = tmp_path / "long.zip"
    with zipfile.ZipFile(roll, "w") as packed:
        for i in range(502):
            packed.writestr(f"frame_{i:03}.jpg", b"x")
    found = find_frames([roll], tmp_path / "out")
    assert len(found) == 501 and all(each.path for each in found[:500])
    assert found[500].error.startswith("frame_500.jpg: this and all after it were left out")


def test_sidecars_of_equal_names_do_not_overwrite_each_other(verdict: Verdict):
    named = [Frame(name, None, replace(verdict, file=name)) for name in ("a/1.jpg", "a/1.tif", "b/1.jpg", "b/<&>.jpg")]
    with zipfile.ZipFile(io.BytesIO(sidecars_zip(named))) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names)) == 1 + 4 + 3
    assert {"name.ext.xmp/a/1.tif.xmp", "name.xmp/b/1.xmp"} <= set(names)


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "ü" * 126 + ".x", "x" * 255])
def test_the_sidecars_of_a_file_with_the_longest_name_can_be_unpacked(verdict: Verdict, tmp_path: Path, name: str):
    roll = [Frame(f"day 1/{name}", None, verdict)]
    with zipfile.ZipFile(io.BytesIO(sidecars_zip(roll))) as archive:
        archive.extractall(tmp_path)
    written = list(tmp_path.rglob("*.xmp"))
    files = [path for path in written if path.is_file()]
    assert len(files) == 2 and all(path.read_text() == xmp(verdict) for path in files)
    assert all(path.parent.name == "day 1" and path.name.startswith(name[:100]) for path in files)


def test_the_sidecar_of_what_is_no_colour_negative_says_so_and_gives_no_probability(verdict: Verdict):
    slide = replace(verdict, verdict="check", reason="A slide.", evidence=replace(verdict.evidence, positive=0.99))
    slide = replace(slide, defects=dict.fromkeys(verdict.defects, 0.9))
    text = xmp(slide)
    assert re.findall("<rdf:li>(.*?)</rdf:li>", text)[:2] == ["check", "no colour negative"]
    assert ">A slide.<" in text and "%" not in text and "holes" not in text and 'xmp:Rating="0"' in text


def test_the_table_quotes_what_would_break_it(verdict: Verdict):
    rows = verdicts_csv([Frame('odd, "name".jpg', None, error="odd: broken; copy it again")]).splitlines()
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
    path.write_text(xmp(replace(verdict, verdict="damaged", defects=chances)), encoding="utf-8")
    command, expected = READERS[program]
    read = subprocess.run([*command, path], capture_output=True, text=True, check=True).stdout
    assert re.search(expected, read, re.DOTALL), read
