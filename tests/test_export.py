"""Positives at full size, previews, and the files that phones and cameras write."""

import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

import film
from darkroom.files.decode import ScanTooLarge, UnreadableScan, decode
from darkroom.film.export import save_positive
from darkroom.film.inversion import invert
from darkroom.film.preview import dress, positive_view, reduce, thumbnail
from darkroom.film.scan import open_scan


def test_a_tiff_keeps_the_cameras_exif_and_the_profile(tmp_path: Path):
    exif = Image.Exif()
    exif[271], exif[274] = "Camera works", 8
    exif.get_ifd(34665)[33434] = (1, 60)  # exposure time
    source = tmp_path / "frame.jpg"
    Image.fromarray(film.eight_bit(film.frame())).save(source, exif=exif, icc_profile=b"a profile")
    target = save_positive(source, tmp_path / "out", ".tif", "density", turns=1)
    with tifffile.TiffFile(target) as tiff:
        page = tiff.pages[0]
        expected = np.rot90(invert(open_scan(source).rgb, "density"))
        assert np.array_equal(page.asarray(), np.rint(expected * 65535).astype(np.uint16))
        assert page.tags[271].value == "Camera works" and 274 not in page.tags
        assert page.tags[34675].value == b"a profile"
        assert page.tags[34665].value["ExposureTime"] == (1, 60)


@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_positive_of_a_tiff_keeps_its_exif_too(tmp_path: Path, bits: int, suffix: str):
    exif = Image.Exif()
    exif[271], exif[274], exif[306] = "Scanner works", 6, "2026:01:02 03:04:05"
    # exposure, maker's note, focal length
    exif.get_ifd(34665).update({33434: IFDRational(1, 60), 37500: b"offsets", 37386: 50.0})
    source = tmp_path / "scan.jpg"
    Image.fromarray(film.eight_bit(film.frame())).save(source, exif=exif, icc_profile=b"a profile")
    if bits == 8:
        with Image.open(source) as picture:
            picture.save(source := tmp_path / "scan.tif", exif=picture.getexif(), icc_profile=b"a profile")
    else:  # the project's own TIFF is one with EXIF
        source = save_positive(source, tmp_path, ".tif")
    with Image.open(save_positive(source, tmp_path / "out", suffix)) as positive:
        found = positive.getexif()
        camera = found.get_ifd(34665)
        assert (found[271], found[306]) == ("Scanner works", "2026:01:02 03:04:05")
        assert camera[33434] == pytest.approx(1 / 60) and camera[37386] == 50 and 37500 not in camera
        assert found.get(274, 1) == 1 and positive.info["icc_profile"] == b"a profile"


def test_a_scan_of_sixteen_bits_keeps_its_tones_in_the_positive_and_in_the_preview(tmp_path: Path):
    rgb = film.frame(64, 96)
    thin = 0.4 + 0.004 * (rgb - rgb.min()) / (rgb.max() - rgb.min())  # all of it within one 8-bit step
    source = tmp_path / "thin.tif"
    source.write_bytes(film.tiff(film.sixteen_bit(thin)))
    preview = positive_view(reduce(open_scan(source)))
    assert len(np.unique(preview)) > 100
    positive = tifffile.imread(save_positive(source, tmp_path, ".tif"))
    assert len(np.unique(positive)) > 100


def test_a_preview_is_the_positive_made_smaller(tmp_path: Path):
    source = tmp_path / "large.png"
    Image.fromarray(film.eight_bit(film.frame(400, 600, seed=2))).save(source)
    small = reduce(open_scan(source), side=300)
    assert small.shape == (200, 300, 3)
    full = Image.fromarray(np.rint(invert(open_scan(source).rgb) * 255).astype(np.uint8))
    expected = np.asarray(full.resize((300, 200), Image.Resampling.BOX)).astype(int)
    assert np.abs(positive_view(small).astype(int) - expected).mean() < 6
    assert max(Image.open(io.BytesIO(thumbnail(small, side=150))).size) == 150


def test_damage_is_marked_where_it_is_and_turns_with_the_picture():
    picture, heat = np.full((80, 80, 3), 120, np.uint8), np.zeros((8, 8), np.float32)
    heat[0:3, 5:8] = 1.0
    marked = dress(picture, heat)
    assert marked[5, 75, 0] > 200 and marked[5, 75, 2] < 80, "the mark is orange"
    assert np.array_equal(marked[70, 5], [120, 120, 120]), "elsewhere a grey stays as it is"
    assert dress(picture, heat, turns=1)[5, 5, 0] > 200, "the upper right has come to the upper left"


@pytest.mark.parametrize("depth", [8, 16])
def test_heic_opens_at_its_own_depth(depth: int):
    pixels = film.eight_bit(film.frame(96, 144)) if depth == 8 else film.sixteen_bit(film.frame(96, 144))
    mode, out = ("RGB", io.BytesIO()) if depth == 8 else ("RGB;16", io.BytesIO())
    pillow_heif.from_bytes(mode, (144, 96), pixels.tobytes()).save(out, quality=95, chroma=444)
    opened, kind, extra = decode(out.getvalue(), "phone.heic")
    assert kind == "HEIC" and opened.dtype == pixels.dtype and opened.shape == pixels.shape
    assert np.abs(opened / np.iinfo(pixels.dtype).max - film.frame(96, 144)).mean() < 0.02
    assert extra["jpeg_tables"] is None


def test_a_heic_with_too_many_pixels_is_refused(monkeypatch):
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(film.eight_bit(film.frame(96, 144)))).save(out)
    monkeypatch.setattr("darkroom.files.limits.MAX_PIXELS", 96 * 144 - 1)
    with pytest.raises(ScanTooLarge, match="phone.heic: 144 × 96 pixels are more than"):
        decode(out.getvalue(), "phone.heic")


def dng(red: int, green: int, blue: int) -> bytes:
    """A raw file of one colour, 192 × 128, as a camera with an RGGB sensor would write it."""
    mosaic = np.full((128, 192), green, np.uint16)
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = red, blue
    matrix = (32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570)  # XYZ to linear sRGB, times 10,000
    tags = [
        (271, "s", 0, "Test", True),
        (272, "s", 0, "Test", True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes((0, 1, 1, 2)), True),
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),
        (50708, "s", 0, "Test", True),
        (50717, "I", 1, 16383, True),
        (50721, "2i", 9, tuple(n for value in matrix for n in (value, 10_000)), True),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),
        (50778, "H", 1, 21, True),
    ]
    out = io.BytesIO()
    tifffile.imwrite(out, mosaic, photometric=32803, metadata=None, extratags=tags)
    return out.getvalue()


def test_a_camera_raw_is_developed_at_sixteen_bits_and_not_read_as_its_thumbnail():
    pixels, kind, _ = decode(dng(12000, 6000, 3000), "frame.DNG")
    assert kind == "RAW" and pixels.dtype == np.uint16 and pixels.shape == (128, 192, 3)
    red, green, blue = pixels[64, 96]
    assert red > green > blue > 0


def test_a_text_that_calls_itself_raw_is_named():
    with pytest.raises(UnreadableScan, match=r"^notes\.nef: not a camera raw we can open"):
        decode(b"these are words" * 40, "notes.nef")
