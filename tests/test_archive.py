"""ZIPs that are not trusted: each member unpacked, or refused with a sentence."""

import resource
import struct
import zipfile
from pathlib import Path

import pytest

from darkroom.files import archive
from darkroom.files.archive import frames_in_uploads


def test_a_zip_that_is_none_and_one_that_is_broken_inside_are_named(tmp_path: Path):
    no_zip, broken = tmp_path / "words.zip", tmp_path / "broken.zip"
    no_zip.write_text("words")
    with zipfile.ZipFile(broken, "w") as packed:
        packed.writestr("frame.jpg", b"x" * 1000)
    data = bytearray(broken.read_bytes())
    data[100] ^= 255
    broken.write_bytes(data)
    found = frames_in_uploads([no_zip, broken], tmp_path / "out")
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
        (found,) = frames_in_uploads([roll], tmp_path / "out")
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
    budget = archive.UnpackBudget(5000)
    monkeypatch.setattr(archive, "UnpackBudget", lambda: budget)
    found = frames_in_uploads([broken, whole], tmp_path / "out")
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
    found = frames_in_uploads([renamed(name, tmp_path / "odd.zip"), good], tmp_path / "out")
    assert found[-1].path and found[-1].path.read_bytes() == b"x"
    assert all("odd.zip" in each.error for each in found[:-1])


def test_a_zip_that_asks_for_a_newer_program_is_named(tmp_path: Path):
    roll = renamed(b"abc", tmp_path / "new.zip")
    data = bytearray(roll.read_bytes())
    struct.pack_into("<H", data, data.rfind(b"PK\1\2") + 6, 99)
    roll.write_bytes(data)
    (found,) = frames_in_uploads([roll], tmp_path / "out")
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
    found = frames_in_uploads([many, few], tmp_path / "out")
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
    found = frames_in_uploads([roll], tmp_path / "out")
    assert found[0].error.startswith("bomb.tif: unpacks to 1,0") and found[1].path
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["blank.tif"]


def test_the_frame_after_the_five_hundredth_is_named(tmp_path: Path):
    roll = tmp_path / "long.zip"
    with zipfile.ZipFile(roll, "w") as packed:
        for i in range(502):
            packed.writestr(f"frame_{i:03}.jpg", b"x")
    found = frames_in_uploads([roll], tmp_path / "out")
    assert len(found) == 501 and all(each.path for each in found[:500])
    assert found[500].error.startswith("frame_500.jpg: this and all after it were left out")
