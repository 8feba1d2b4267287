"""A roll in a real browser: many files, one light table."""

import csv
import io
import struct
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import Page, expect

import film
from conftest import PHONE, Server, drop, visit
from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan
from darkroom.judge.resnet import DEFECTS
from darkroom.judge.roll import SPOKEN
from darkroom.judge.verdict import COLUMNS, load
from film import write
from test_contact import cell, header, pages_of_pdf, reads

pytestmark = pytest.mark.browser
FILES = "#roll-files"


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> list[Path]:
    """Eight small frames, unlike one another."""
    folder = tmp_path_factory.mktemp("roll")
    for i in range(8):
        rgb = film.frame(96, 144, seed=i)
        rgb[30:50, 40:70] = 1.0 if i % 3 == 0 else rgb[30:50, 40:70]
        Image.fromarray(film.eight_bit(rgb)).save(folder / f"frame_{i + 1:02}.jpg", quality=90)
    return sorted(folder.iterdir())


def judge_roll(page: Page, *paths: Path, count: int, pictures: int = 0) -> None:
    """count: frames that come of it; pictures: how many hold them, where some are strips."""
    page.get_by_role("tab", name="A roll").click()
    page.wait_for_selector(f"{FILES} input[type=file]", state="attached")
    drop(page, *paths, into=FILES)
    expect(page.locator(".progress")).to_contain_text(
        f"{pictures or count} of {pictures or count} done in", timeout=60_000
    )
    # "done" and the sheet are two parts of the page: the one may be there a moment before the other
    expect(page.locator("#roll .cell")).to_have_count(count, timeout=60_000)


def saved(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.locator(button).click()
    return Path(download.value.path()).read_bytes()


def table(page: Page) -> list[dict[str, str]]:
    """The verdicts as they are downloaded."""
    return list(csv.DictReader(io.StringIO(saved(page, "#save-csv").decode())))


def prior(page: Page, percent: int) -> None:
    box = page.locator("#roll-prior input[type=number]")
    box.fill(str(percent))
    box.blur()


def test_a_roll_lies_on_the_light_table_worst_first(page: Page, frames: list[Path], weights: Path):
    judge = load(weights)
    expected = sorted((judge.judge(open_scan(path)).p_normal, path.name) for path in frames)
    judge_roll(page, *frames, count=8)
    expect(page.locator(".sheet:not(.small) .cell .edge")).to_have_text([name for _, name in expected])
    expect(page.locator(".summary")).to_contain_text("95 % interval")
    counted = sum(int(n) for n in page.locator(".summary .counts b").all_inner_texts())
    assert counted == 8


def test_a_click_opens_the_frame_and_the_filter_hides_what_is_fine(page: Page, frames: list[Path], weights: Path):
    judge = load(weights)
    words = [judge.judge(open_scan(path)).at_prior(0.5).verdict for path in frames]
    judge_roll(page, *frames, count=8)
    page.get_by_label("Needs a look").check()
    expect(page.locator("#roll .cell:visible")).to_have_count(sum(word != "readable" for word in words))
    page.locator("#roll-filter").get_by_label("Readable").check()
    expect(page.locator("#roll .cell:visible")).to_have_count(words.count("readable"))
    page.locator("#roll-filter").get_by_label("All").check()
    page.locator("#roll .cell button", has_text="frame_05.jpg").click()
    expect(page.locator(".verdict .edge")).to_have_text("frame_05.jpg")
    expect(page.locator("#slider img")).to_have_count(2)


def test_the_prior_weighs_the_whole_roll_anew(page: Page, frames: list[Path], weights: Path):
    judge = load(weights)
    judge_roll(page, *frames, count=8)
    prior(page, 99)
    verdicts = [judge.judge(open_scan(path), prior=0.99) for path in frames]
    share = sum(1 - verdict.p_normal for verdict in verdicts) / 8
    expect(page.locator(".summary")).to_contain_text(f"About {share:.0%} of the roll is damaged")
    readable = sum(verdict.verdict == "readable" for verdict in verdicts)
    expect(page.locator("#roll .cell.readable")).to_have_count(readable)


def test_the_table_and_the_sidecars_are_downloaded(page: Page, frames: list[Path], bad_files: dict[str, Path]):
    judge_roll(page, *frames[:3], bad_files["text.jpg"], count=4)
    rows = table(page)
    assert tuple(rows[0]) == COLUMNS and [row["file"] for row in rows] == [p.name for p in frames[:3]] + ["text.jpg"]
    assert "not a picture" in rows[3]["error"] and not rows[3]["verdict"]
    with zipfile.ZipFile(io.BytesIO(saved(page, "#save-xmp"))) as archive:
        assert "name.xmp/frame_01.xmp" in archive.namelist()
        for row in rows[:3]:
            text = archive.read(f"name.ext.xmp/{row['file']}.xmp")
            description = ElementTree.fromstring(text).find(".//{*}Description")
            rating = description.get("{http://ns.adobe.com/xap/1.0/}Rating")
            assert (rating == "-1") == (row["verdict"] == "damaged")
            assert row["verdict"] in [item.text for item in description.findall(".//{*}subject//{*}li")]


def test_the_light_that_a_visitor_says_is_that_of_the_whole_roll(page: Page, thin: list[Path]):
    judge_roll(page, *thin, count=2)
    assert not any("holds nothing" in row["reason"] for row in table(page))
    light = page.locator("#roll-light")
    light.get_by_label("Linear").check()
    expect(page.locator(".summary")).to_contain_text("About 99% of the roll is damaged")  # judged anew
    expect(page.locator("#roll .cell.damaged")).to_have_count(2)
    assert ["holds nothing" in row["reason"] for row in table(page)] == [True, True]
    page.locator("#roll .cell button", has_text=thin[0].name).click()
    expect(page.locator(".verdict .why")).to_contain_text("holds nothing")
    expect(page.locator(".verdict .hint")).to_have_text("Read as linear light (it was said so).")
    expect(page.locator("#light").get_by_label("Linear")).to_be_checked()
    with page.expect_download() as download:
        page.locator("#save-tiff").click()
    expected = np.rint(invert(open_scan(thin[0], light="linear").rgb) * 65535)
    assert np.array_equal(tifffile.imread(download.value.path()), expected)


def test_what_is_no_colour_negative_comes_after_those_that_are_and_has_no_probability(
    page: Page, frames: list[Path], bad_files: dict[str, Path], unlike_film: dict[str, Path], weights: Path
):
    files = [bad_files["text.jpg"], unlike_film["letter"], *frames[:2], unlike_film["black"]]
    judge = load(weights)
    counted = [judge.judge(open_scan(path)) for path in files[2:]]
    worst = [verdict.file for verdict in sorted(counted, key=lambda verdict: verdict.p_normal)]
    judge_roll(page, *files, count=5)
    named = page.locator("#roll .cell .edge")
    expect(named).to_have_text([*[Path(name).name for name in worst], "letter.png", "text.jpg"])
    letter = page.locator("#roll .cell", has_text="letter.png").locator("small")
    expect(letter).to_have_text("no colour negative")
    damaged = sum(1 - verdict.p_normal for verdict in counted) / 3
    expect(page.locator(".summary")).to_contain_text(f"About {damaged:.0%} of the roll is damaged")
    by_name = {row["file"]: row for row in table(page)}
    row = by_name["letter.png"]
    assert row["verdict"] == "check" and row["not_negative"] == "page" and "page of text" in row["reason"]
    assert not any(row[column] for column in ("p_normal", "confidence", *DEFECTS, "error"))
    row = by_name["black.png"]
    assert row["verdict"] == "damaged" and float(row["blank_area"]) > 0.9 and "holds nothing" in row["reason"]
    assert not row["not_negative"] and float(row["p_normal"]) < 0.5
    with zipfile.ZipFile(io.BytesIO(saved(page, "#save-xmp"))) as archive:
        letter, black = (archive.read(f"name.ext.xmp/{name}.png.xmp").decode() for name in ("letter", "black"))
    assert "no colour negative" in letter and "sure at" not in letter and "page of text" in letter
    assert "blank area" in black and 'xmp:Rating="-1"' in black


def test_the_contact_sheet_is_downloaded_in_the_order_of_the_film(page: Page, frames: list[Path], tmp_path: Path):
    archive = tmp_path / "Köln 1998.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in frames[::-1]:
            packed.write(path, path.name)
    judge_roll(page, archive, count=8)
    (printed,) = pages_of_pdf(write(tmp_path, "sheet.pdf", saved(page, "#save-pdf")))
    assert reads(header(printed), "Köln 1998", 16, bold=True) and reads(header(printed), "8 frames", 9.5)
    with Image.open(io.BytesIO(saved(page, "#save-sheet"))) as picture:
        assert picture.info["dpi"] == (300, 300)
        for place, path in enumerate(frames):
            word = SPOKEN[page.locator("#roll .cell", has_text=path.name).get_attribute("data-word")]
            for each in (printed, picture):
                assert reads(cell(each, place), path.name, 7.5) and reads(cell(each, place), word, 7.5, bold=True)


def begin_long_roll(page: Page, folder: Path, count: int) -> list[Path]:
    """Frames that take a while, dropped and not yet all judged."""
    pictures = []
    for i in range(count):
        path = folder / f"large_{i:02}.jpg"
        Image.fromarray(film.eight_bit(film.frame(96, 144, seed=i))).resize((2400, 1600)).save(path, quality=60)
        pictures.append(path)
    page.get_by_role("tab", name="A roll").click()
    page.wait_for_selector(f"{FILES} input[type=file]", state="attached")
    drop(page, *pictures, into=FILES)
    expect(page.locator(".progress")).to_contain_text("left", timeout=60_000)
    return pictures


def test_a_prior_that_is_moved_while_the_roll_runs_holds_at_its_end(page: Page, tmp_path: Path, weights: Path):
    judge = load(weights)
    pictures = begin_long_roll(page, tmp_path, 16)
    prior(page, 99)
    expect(page.locator(".progress")).to_contain_text("16 of 16 done in", timeout=60_000)
    verdicts = [judge.judge(open_scan(path), prior=0.99) for path in pictures]
    share = sum(1 - verdict.p_normal for verdict in verdicts) / 16
    assert f"{share:.0%}" != f"{sum(1 - verdict.at_prior(0.5).p_normal for verdict in verdicts) / 16:.0%}"
    expect(page.locator(".summary")).to_contain_text(f"About {share:.0%} of the roll is damaged")
    assert [float(row["p_normal"]) for row in table(page)] == pytest.approx([v.p_normal for v in verdicts], abs=1e-4)


def test_a_stopped_roll_keeps_what_was_judged(page: Page, tmp_path: Path):
    begin_long_roll(page, tmp_path, 24)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".progress")).to_contain_text("what was judged stays")
    expect(page.locator("#roll .cell")).not_to_have_count(0)
    kept = page.locator("#roll .cell").count()
    assert 0 < kept < 24
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_zip_with_traps_gives_a_sentence_for_each_and_judges_the_rest(
    page: Page, frames: list[Path], tmp_path: Path, server: Server
):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as nested:
        nested.write(frames[0], "deep.jpg")
    archive = tmp_path / "roll.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(frames[0], "day 1/frame_01.jpg")
        packed.write(frames[1], "../../climbs.jpg")
        packed.writestr("/absolute.jpg", frames[1].read_bytes())
        packed.writestr("nested.zip", inner.getvalue())
        packed.writestr("__MACOSX/._frame_01.jpg", b"clutter")
        packed.writestr("notes.txt", "two rolls, one camera")
        packed.writestr("bomb.tif", bytes(1000))
    data = bytearray(archive.read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\1\2") + 24, 810_000_000)  # what the last entry says it unpacks to
    archive.write_bytes(data)
    judge_roll(page, archive, count=6)
    errors = "\n".join(page.locator(".cell.error p").all_inner_texts())
    assert page.locator("#roll .cell button").count() == 1
    assert "climbs.jpg: its path in roll.zip leads out" in errors
    assert "absolute.jpg: its path in roll.zip leads out" in errors
    assert "nested.zip: an archive inside roll.zip" in errors
    assert "bomb.tif: unpacks to 810 MB" in errors
    assert "notes.txt: not a picture" in errors
    assert not list(server.uploads.rglob("climbs.jpg")) and not list(server.uploads.rglob("bomb.tif"))


def test_every_bad_file_gets_its_sentence_and_every_odd_one_its_verdict(
    page: Page, frames: list[Path], bad_files: dict[str, Path], odd_files: dict[str, Path], server: Server
):
    everything = [frames[0], *bad_files.values(), *odd_files.values()]
    judge_roll(page, *everything, count=len(everything))
    errors = page.locator(".cell.error p").all_inner_texts()
    assert len(errors) == len(bad_files)
    for sentence in errors:
        assert sentence.count("\n") == 0 and len(sentence) < 200 and "/tmp" not in sentence
    named = {sentence.split(":")[0] for sentence in errors}
    assert {name for name in bad_files if name[0] != "<"} <= named
    assert page.locator("#roll .cell.error b").count() == 0, "a file's name became markup"
    judged = set(page.locator("#roll .cell button .edge").all_inner_texts())
    assert judged == {frames[0].name, *odd_files}
    assert "Traceback" not in server.log()


def test_five_hundred_files_at_once_are_answered_one_by_one(page: Page, frames: list[Path], tmp_path: Path):
    files = [tmp_path / f"note_{i:03}.jpg" for i in range(497)]
    for path in files:
        path.write_text("words")
    judge_roll(page, *files, *frames[:3], count=500)
    assert page.locator("#roll .cell button").count() == 3
    assert page.locator("#roll .cell.error p").count() == 497


def test_the_light_table_fits_a_phone(browser, server: Server, frames: list[Path]):
    for page in visit(browser, server.url, viewport=PHONE, has_touch=True, is_mobile=True):
        judge_roll(page, *frames[:4], count=4)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        boxes = [page.locator("#roll .cell").nth(i).bounding_box() for i in range(4)]
        assert boxes[0]["y"] == boxes[1]["y"] < boxes[2]["y"], "two frames a row"


LINES = """(element) => {
  const range = document.createRange(), lines = [];
  let top;
  for (const node of element.childNodes) for (let i = 0; i < (node.length ?? 0); i++) {
    range.setStart(node, i); range.setEnd(node, i + 1);
    const y = range.getBoundingClientRect().top;
    if (y !== top) lines.push("");
    top = y;
    lines[lines.length - 1] += node.data[i];
  }
  return lines;
}"""


def test_a_long_name_wraps_between_its_words(browser, server: Server, frames: list[Path], tmp_path: Path):
    long = tmp_path / "grandfather_summer_holidays-contact.print.jpg"
    long.write_bytes(frames[0].read_bytes())
    for page in visit(browser, server.url, viewport=PHONE, has_touch=True, is_mobile=True):
        judge_roll(page, long, count=1)
        lines = page.locator("#roll .cell .edge").evaluate(LINES)
        assert "".join(lines) == long.name and len(lines) > 1
        assert all(line[-1] in "_-." for line in lines[:-1]), lines
