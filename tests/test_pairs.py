"""An infrared file belongs to the picture beside it, in a folder, in a roll and in a ZIP."""

import zipfile

import numpy as np
import pytest

from darkroom.files.archive import FrameSource, frames_in_uploads
from darkroom.files.pairs import paired
from darkroom.film.film import Film
from darkroom.film.scan import open_scan
from darkroom.film.surface import surface
from infrared import DEEP, DEEP_DUSTY, LOW, SHARE, saved, specks
from test_files import pages


@pytest.mark.parametrize("name", ["scan_IR.tif", "scan_ir.tiff", "scan_IR.TIF"])
def test_a_file_beside_the_picture_is_its_infrared(name, tmp_path):
    (tmp_path / "scan.jpg").write_bytes(saved(LOW))
    (tmp_path / name).write_bytes(pages((DEEP_DUSTY, {})))
    found = surface(Film(open_scan(tmp_path / "scan.jpg")))
    assert found.dust == pytest.approx(SHARE, rel=0.1)
    assert open_scan(tmp_path / name).infrared is None


def test_in_a_roll_an_infrared_file_goes_with_its_picture_and_is_no_frame(tmp_path):
    uploads = []
    for folder, name, data in (
        ("1", "a_IR.tif", pages((DEEP_DUSTY, {}))),
        ("2", "a.jpg", saved(LOW)),
        ("3", "b.jpg", saved(LOW)),
        ("4", "c_IR.tif", pages((DEEP_DUSTY, {}))),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(data)
        uploads.append(tmp_path / folder / name)
    with zipfile.ZipFile(tmp_path / "roll.zip", "w") as archive:
        archive.writestr("one/a.tif", pages((DEEP, {})))
        archive.writestr("two/a_ir.tif", pages((DEEP_DUSTY, {})))
        archive.writestr("one/A_IR.TIF", pages((DEEP_DUSTY, {})))
    found = frames_in_uploads([*uploads, tmp_path / "roll.zip"], tmp_path / "out")
    own = {each.name: each.infrared and each.infrared.name for each in found}
    assert own == {"a.jpg": "a_IR.tif", "b.jpg": None, "c_IR.tif": None, "one/a.tif": "A_IR.TIF", "two/a_ir.tif": None}
    for each in found[:1] + found[3:4]:
        scan = open_scan(each.path, each.name, infrared=each.infrared)
        assert surface(Film(scan)).dust == pytest.approx(SHARE, rel=0.1)


def test_each_of_several_files_with_one_name_has_its_own_infrared(tmp_path):
    entries = [
        FrameSource(name, tmp_path / str(i)) for i, name in enumerate(["a.tif", "a_IR.tif", "a.tif", "a_IR.tif"])
    ]
    assert [entry.infrared.name for entry in paired(entries)] == ["1", "3"]
    unopened = [FrameSource("a.tif", tmp_path / "a"), FrameSource("a_IR.tif", None, "a_IR.tif: broken; pack it again")]
    assert paired(unopened) == unopened


def test_infrared_that_cannot_be_used_is_reported_and_the_frame_is_still_judged(tmp_path):
    (tmp_path / "scan.jpg").write_bytes(saved(LOW))
    for data, words in (
        (b"II*\0 nothing", "could not be read: scan_IR.tif"),
        (pages((DEEP_DUSTY[:, ::2], {})), "was left out: it has other proportions"),
        (pages((np.where(specks(), 0, 65535).astype(np.uint16), {})), "nearly all of it is black or white"),
    ):
        (tmp_path / "scan_IR.tif").write_bytes(data)
        scan = open_scan(tmp_path / "scan.jpg")
        assert scan.infrared is None and words in scan.infrared_note
        assert surface(Film(scan)) is None
