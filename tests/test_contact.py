"""The contact sheet as a file: every frame in its place, with its name and its verdict in words and colour."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PIL.PdfParser import PdfParser
from scipy.signal import fftconvolve

from conftest import ROOT
from darkroom.judge import contact, lettering
from darkroom.judge.contact import COLOURS, EACH, HEIGHT, SIDE, STEP, WIDTH, ContactSheet, zipped
from darkroom.judge.lettering import Lettering
from darkroom.judge.resnet import DEFECTS
from darkroom.judge.roll import SPOKEN
from darkroom.judge.verdict import COLUMNS

WORDS = ("readable", "check", "damaged", "error")


def thumbnail(size: tuple[int, int] = (354, 236), colour: tuple[int, int, int] = (40, 90, 160)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def row(name: str, word: str = "readable", p: float | None = 0.9, **more) -> dict:
    if word == "error":
        return dict.fromkeys(COLUMNS, "") | {"file": name, "error": f"{name}: the file is empty; copy it again"}
    said = dict.fromkeys(COLUMNS) | dict.fromkeys(DEFECTS, 0.1) | {"not_negative": "", "error": ""}
    return said | {"file": name, "verdict": word, "p_normal": p, "confidence": p and max(p, 1 - p)} | more


def sheet(path: Path, rows: list[dict], pictures: list[bytes] | None = None, title: str = "Roll 12") -> list[Path]:
    with ContactSheet(path, title) as made:
        for i, each in enumerate(rows):
            made.add(each, b"" if each["error"] else pictures[i] if pictures else thumbnail())
    return made.files


def pages_of_pdf(path: Path) -> list[Image.Image]:
    """The pictures of which the pages consist, in the order of the pages."""
    data = path.read_bytes()
    streams = re.findall(rb"stream\r?\n(\xff\xd8.*?)\r?\nendstream", data, re.DOTALL)
    with PdfParser(str(path)) as parsed:
        boxes = [parsed.read_indirect(page)[b"MediaBox"][2:] for page in parsed.pages]
    assert len(streams) == len(boxes)
    for width, height in boxes:  # in points, 72 an inch
        assert (float(width), float(height)) == pytest.approx((WIDTH / 300 * 72, HEIGHT / 300 * 72))
        assert float(width) / 72 * 25.4 == pytest.approx(210, abs=0.1), "A4"
        assert float(height) / 72 * 25.4 == pytest.approx(297, abs=0.1)
    return [Image.open(io.BytesIO(stream)) for stream in streams]


def cell(page: Image.Image, place: int) -> np.ndarray:
    """The part of a page with a frame and its caption, (STEP, SIDE, 3)."""
    down, across = divmod(place, contact.COLUMNS)
    left = contact.MARGIN + across * (SIDE + contact.GAP)
    top = contact.MARGIN + contact.HEADER + down * STEP
    return np.asarray(page.convert("RGB").crop((left, top, left + SIDE, top + STEP)))


def header(page: Image.Image) -> np.ndarray:
    return np.asarray(page.convert("RGB").crop((0, 0, WIDTH, contact.MARGIN + contact.HEADER)))


def reads(area: np.ndarray, text: str, points: float, bold: bool = False) -> bool:
    """Whether a text stands somewhere in a part of a page, by its correlation with the same text written anew."""
    font = Lettering(points, bold)
    written = Image.new("L", (font.width(text) + 2, round(points / 72 * 300 * 1.3)), 0)
    font.write(ImageDraw.Draw(written), (1, 0), text, "white")
    wanted = np.asarray(written.crop(written.getbbox()), float)
    wanted = wanted - wanted.mean()
    ink = 255 - area.min(axis=-1).astype(float)
    ones = np.ones_like(wanted)
    mean = fftconvolve(ink, ones, "valid") / ones.size
    spread = np.sqrt(np.maximum(fftconvolve(ink**2, ones, "valid") / ones.size - mean**2, 1))
    alike = fftconvolve(ink, wanted[::-1, ::-1], "valid") / ones.size / (spread * wanted.std())
    return bool(alike.max() > 0.93)


def near(area: np.ndarray, colour: str) -> np.ndarray:
    """(h, w) bool: where a colour is."""
    return np.abs(area.astype(int) - [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).max(-1) < 25


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (EACH, 1), (EACH + 1, 2), (100, 3)])
@pytest.mark.parametrize("suffix", [".pdf", ".jpg"])
def test_a_page_holds_a_film_and_a_long_roll_has_several(count, pages, suffix, tmp_path):
    files = sheet(tmp_path / f"roll{suffix}", [row(f"{i}.jpg") for i in range(count)])
    if suffix == ".pdf":
        assert files == [tmp_path / "roll.pdf"]
        found = pages_of_pdf(files[0])
    else:
        names = ["roll.jpg"] if pages == 1 else [f"roll-{i + 1}.jpg" for i in range(pages)]
        assert [file.name for file in files] == names
        found = [Image.open(file) for file in files]
        assert all(page.info["dpi"] == (300, 300) for page in found)
    assert len(found) == pages and all(page.size == (2480, 3508) for page in found)
    assert sorted(tmp_path.iterdir()) == sorted(files), "and nothing else is left"
    full = [(cell(found[n // EACH], n % EACH)[:SIDE] < 200).any() for n in range(pages * EACH)]
    assert full == [n < count for n in range(pages * EACH)]
    words = f"{count} frames" if count != 1 else "1 frame"
    for number, page in enumerate(found):
        assert reads(header(page), words, 9.5) and reads(header(page), "Roll 12", 16, bold=True)
        assert reads(header(page), f"page {number + 1} of {pages}", 9.5) == (pages > 1)


def test_every_verdict_has_its_word_and_its_colour(tmp_path):
    rows = [row(f"{i}.jpg", word, 0.9 if word == "readable" else 0.2) for i, word in enumerate(WORDS)]
    (file,) = sheet(tmp_path / "roll.jpg", rows)
    page = Image.open(file)
    for place, word in enumerate(WORDS):
        area = cell(page, place)
        assert reads(area, SPOKEN[word], 7.5, bold=True) and near(area[:SIDE], COLOURS[word]).mean() > 0.02
        assert not any(reads(area, SPOKEN[other], 7.5, bold=True) for other in WORDS if other != word)
        assert reads(header(page), f"1 {SPOKEN[word].lower()}", 9.5)
        assert near(header(page), COLOURS[word]).any()
        assert reads(area, str(place + 1), 7.5) and reads(area, f"{place}.jpg", 7.5)
    assert not reads(header(page), "2 readable", 9.5)


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    numbers = [10, 2, 1, 33, 9]
    colours = {n: (5 * n, 200 - 5 * n, 100) for n in numbers}
    rows = [row(f"roll/frame_{n}.jpg") for n in numbers]
    (file,) = sheet(tmp_path / "roll.jpg", rows, [thumbnail(colour=colours[n]) for n in numbers])
    page = Image.open(file)
    for place, number in enumerate(sorted(numbers)):
        area = cell(page, place)
        np.testing.assert_allclose(area[SIDE - 60, SIDE // 2], colours[number], atol=6)
        assert reads(area, f"frame_{number}.jpg", 7.5) and reads(area, str(place + 1), 7.5)


def test_what_is_below_the_word_says_how_sure_it_is_and_of_what_kind(tmp_path):
    rows = [
        row("a.jpg", "damaged", 0.03, holes=0.8, noise=0.6),
        row("b.jpg", "check", 0.6),
        row("c.jpg", "check", 0.4, dye_removal=0.7),
        row("d.jpg", "check", None, not_negative="page", **dict.fromkeys(DEFECTS)),
        row("e.jpg", "readable", 0.88, holes=0.6),
        row("f.jpg", "error"),
    ]
    (file,) = sheet(tmp_path / "roll.jpg", rows)
    said = ["97%, holes, noise", "60% readable", "60% damaged, d", "no colour negative", "88%", "the file is empty;"]
    for place, text in enumerate(said):
        assert reads(cell(Image.open(file), place), text, 6.5), text


@pytest.mark.parametrize("size", [(354, 236), (236, 354), (354, 118), (30, 354), (354, 9), (20, 20), (3, 2)], ids=str)
def test_a_picture_of_any_shape_fits_in_its_place_with_its_border(size, tmp_path):
    (file,) = sheet(tmp_path / "roll.jpg", [row("a.jpg")], [thumbnail(size)])
    page = Image.open(file)
    area = cell(page, 0)[:SIDE]
    blue = np.abs(area.astype(int) - (40, 90, 160)).max(-1) < 20
    rows, columns = (np.flatnonzero(blue.any(axis)) for axis in (1, 0))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    room = SIDE - 2 * contact.BORDER
    assert max(width, height) == pytest.approx(room, abs=3)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.15 if min(size) > 10 else 0.5)
    border = near(area, COLOURS["readable"])
    assert border[rows[-1] + 4, columns[0] : columns[-1]].all() and border[rows[0] - 4, columns[0] : columns[-1]].all()
    around = np.asarray(page.convert("RGB")).copy()
    left, top = contact.MARGIN, contact.MARGIN + contact.HEADER
    around[top : top + STEP, left - 8 : left + SIDE + 8] = around[: contact.MARGIN + contact.HEADER] = 255
    assert (around > 250).all(), "nothing lies beside its place"


def test_a_long_name_is_shortened_to_its_place_and_an_odd_one_is_written(tmp_path):
    names = ["A" * 400 + "_0001.tif", "Köln_Straße.tif", "日本_07.tif", "new\nline\t.tif", "‮gpj.tif", ".tif", "😀" * 60]
    (file,) = sheet(tmp_path / "roll.jpg", [row(name) for name in names], title="Z" * 500)
    page = np.asarray(Image.open(file))
    assert (page[:, WIDTH - contact.MARGIN + 8 :] > 250).all() and (page[:, : contact.MARGIN - 8] > 250).all()
    for place in range(len(names) - 1):
        left = contact.MARGIN + (place + 1) * (SIDE + contact.GAP)
        assert (page[contact.MARGIN + contact.HEADER :, left - contact.GAP + 6 : left - 6] > 240).all(), names[place]
    assert sum(reads(cell(Image.open(file), place), "Köln_Straße.tif", 7.5) for place in range(len(names))) == 1


def test_without_a_font_of_the_system_letters_lose_their_accents(monkeypatch):
    monkeypatch.setattr(lettering, "FONTS", ())
    lettering._font.cache_clear()
    try:
        font = Lettering(8)
        assert font.written("Köln, Straße 3–4, Łódź, 日本") == "Koln, Strasse 3-4, Lodz, ??"
        assert font.width("frame_07.jpg") > 100 and font.width(font.fitting("frame_07.jpg", 90)) <= 90
    finally:
        lettering._font.cache_clear()


def test_text_is_broken_between_words():
    font = Lettering(6.5)
    lines = font.lines("not a picture we can open; use JPEG, PNG or TIFF " + "x" * 300, 300, 5)
    assert len(lines) > 2 and all(font.width(line) <= 300 for line in lines)
    assert " ".join(lines).startswith("not a picture we can open; use JPEG,")
    many = font.lines("word " * 80, 300, 3)
    assert len(many) == 3 and many[-1].endswith("...") and all(font.width(line) <= 300 for line in many)
    assert font.lines("", 300, 3) == []


def test_another_suffix_is_refused_and_a_broken_run_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="roll.png: contact sheets are written as .pdf, .jpg, .jpeg"):
        ContactSheet(tmp_path / "roll.png", "Roll")
    with pytest.raises(KeyError), ContactSheet(tmp_path / "roll.pdf", "Roll") as made:
        made.add(row("a.jpg"), thumbnail())
        raise KeyError
    with pytest.raises(OSError, match=r"gone/roll\.pdf"):
        sheet(tmp_path / "gone" / "roll.pdf", [row("a.jpg")])
    assert list(tmp_path.iterdir()) == []


def test_pages_are_packed_as_one_file(tmp_path):
    files = sheet(tmp_path / "roll.jpg", [row(f"{i}.jpg") for i in range(EACH + 1)])
    with zipfile.ZipFile(zipped(files)) as archive:
        assert archive.namelist() == ["roll-1.jpg", "roll-2.jpg"]
        assert archive.read("roll-2.jpg") == files[1].read_bytes()


MEASURE = """
import resource, sys
from pathlib import Path
sys.path[:0] = [{space!r}, {train!r}, {tests!r}]
from test_contact import row, sheet, thumbnail
for count in (36, 252):
    sheet(Path({out!r}), [row(f"{{i}}.jpg") for i in range(count)], [thumbnail()] * count)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_roll(tmp_path):
    paths = {name: str(ROOT / name) for name in ("space", "train", "tests")}
    code = MEASURE.format(out=str(tmp_path / "roll.pdf"), **paths)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    one, seven = (int(line) for line in done.stdout.split())
    assert seven - one < 15_000, "kilobytes; a page is 26,000, and six more were drawn"
