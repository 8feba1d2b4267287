"""The names of pictures in a ZIP, in any encoding: in a roll, its table and its sidecars."""

import csv
import io
import unicodedata
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from darkroom.files.archive import frames_in_uploads
from darkroom.judge.roll import judge_roll, sidecars_of, table_of
from darkroom.judge.verdict import load
from film import eight_bit, frame

NAMES = [
    ("Köln/Straße", "utf-8"),
    ("Köln/Straße", "cp437"),
    ("São João/Ângela", "cp850"),
    ("Łódź/zdjęcie", "cp852"),
    ("Łódź/zdjęcie", "cp1250"),
    ("Köln/Façade – Ärger", "cp1252"),
    ("写真/東京タワー", "cp932"),
    ("フィルム01", "cp932"),
    ("照片/北京 01", "gbk"),
    ("照片/台北", "big5"),
    ("사진/서울", "cp949"),
    ("Фото/плёнка 1", "cp866"),
    ("Фото/Москва", "cp1251"),
]


def packed(path: Path, names: list[bytes]) -> Path:
    """A ZIP of pictures whose names are these bytes, without a declared encoding."""
    picture, out = io.BytesIO(), io.BytesIO()
    Image.fromarray(eight_bit(frame())).save(picture, "JPEG")
    with zipfile.ZipFile(out, "w") as archive:
        for i, name in enumerate(names):
            archive.writestr("#" * (len(name) - 1) + str(i), picture.getvalue())
    data = out.getvalue()
    for i, name in enumerate(names):
        data = data.replace(b"#" * (len(name) - 1) + str(i).encode(), name)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("name", "encoding"), NAMES)
def test_the_names_of_a_zip_are_read_as_they_were_written(tmp_path, name, encoding):
    names = [f"{name}.jpg", "a.jpg"]
    path = packed(tmp_path / "roll.zip", [each.encode(encoding) for each in names])
    assert [found.name for found in frames_in_uploads([path], tmp_path / "out")] == names


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "NFD"])
def test_the_table_and_the_sidecars_of_a_zip_carry_its_names(tmp_path, weights, encoding):
    names = ["Köln/Straße.jpg", "Köln/Übung.jpg"]
    raw = [unicodedata.normalize("NFD", n).encode() if encoding == "NFD" else n.encode(encoding) for n in names]
    found = frames_in_uploads([packed(tmp_path / "roll.zip", raw)], tmp_path / "out")
    frames = list(judge_roll(load(weights), found, 0.5))
    assert [row["file"] for row in csv.DictReader(io.StringIO(table_of(frames)))] == names
    with zipfile.ZipFile(io.BytesIO(sidecars_of(frames))) as sidecars:
        written = set(sidecars.namelist())
    assert {f"name.ext.xmp/{name}.xmp" for name in names} < written
    assert {"name.xmp/Köln/Straße.xmp", "name.xmp/Köln/Übung.xmp"} < written
