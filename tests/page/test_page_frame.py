"""One frame in a real browser: from the file to the verdict."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import Page, expect

from conftest import PHONE, Server, difference, drop, shown_picture, visit
from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load

pytestmark = pytest.mark.browser
SPOKEN = {"readable": "Readable", "damaged": "Damaged", "check": "Check by eye"}


@pytest.fixture
def judged(page: Page, negative: Path) -> Page:
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
    shown_picture(page, 1)
    return page


def test_a_dropped_file_gets_a_verdict_beside_its_positive(judged: Page, negative: Path, weights: Path):
    expected = load(weights).judge(open_scan(negative))
    expect(judged.locator(".verdict h2")).to_have_text(SPOKEN[expected.verdict])
    expect(judged.locator("#chances")).to_contain_text(f"{expected.p_normal:.0%}")
    assert difference(shown_picture(judged, 0), open_scan(negative).pixels) < 3
    positive = np.rint(invert(open_scan(negative).rgb) * 255)
    assert difference(shown_picture(judged, 1), positive) < 4


def test_every_defect_has_a_bar_and_the_film_was_measured(judged: Page, negative: Path, weights: Path):
    expected = load(weights).judge(open_scan(negative))
    for name, p in expected.defects.items():
        row = judged.locator(".bars li", has_text=name.replace("_", " ").capitalize())
        expect(row.locator("b")).to_have_text(f"{p:.0%}")
    for label, value, _ in expected.evidence.lines():
        row = judged.locator(".evidence div", has=judged.get_by_text(label, exact=True))
        expect(row.locator("dd")).to_contain_text(value)
    expect(judged.locator(".remedies li")).to_have_count(len(expected.remedies))


def test_the_prior_moves_the_verdict_as_the_library_does(judged: Page, negative: Path, weights: Path):
    verdict = load(weights).judge(open_scan(negative))
    for percent in (97, 4):
        judged.get_by_role("spinbutton", name="Out of 100 such frames").first.fill(str(percent))
        judged.keyboard.press("Enter")
        expected = verdict.at_prior(percent / 100)
        expect(judged.locator(".verdict .sure")).to_contain_text(f"if {percent}% of such frames are fine")
        expect(judged.locator(".verdict h2")).to_have_text(SPOKEN[expected.verdict])
        expect(judged.locator(".verdict .sure")).to_contain_text(f"{expected.confidence:.0%}")


def test_switching_marking_and_turning_change_the_picture_and_not_the_verdict(judged: Page, negative: Path):
    said, negative_half, standard = judged.locator(".verdict").inner_text(), *(shown_picture(judged, i) for i in (0, 1))
    judged.get_by_label("Density print").check()
    print_ = shown_picture(judged, 1, unlike=standard)
    assert difference(print_, np.rint(invert(open_scan(negative).rgb, "density") * 255)) < 4
    expect(judged.locator("#tools")).to_contain_text("the likelier the damage")
    judged.get_by_label("Mark the damage").check()
    marked = shown_picture(judged, 1, unlike=print_)
    redder = marked[..., 0].astype(int) - marked[..., 2] > print_[..., 0].astype(int) - print_[..., 2] + 20
    assert redder.mean() > 0.1
    shown_picture(judged, 0, unlike=negative_half)  # marked too: half of each is behind the line
    judged.get_by_label("Mark the damage").uncheck()
    shown_picture(judged, 1, unlike=marked)
    judged.get_by_role("button", name="Turn left").click()
    judged.wait_for_function(
        "() => [...document.querySelectorAll('#slider img')].every((i) => i.naturalHeight === 360)"
    )
    assert difference(shown_picture(judged, 1), np.rot90(print_)) < 4
    assert judged.locator(".verdict").inner_text() == said


def test_clicks_that_follow_each_other_at_once_are_all_obeyed(judged: Page):
    upright, plain = (shown_picture(judged, i) for i in (0, 1))
    press = "(element) => { for (let k = 0; k < 3; k++) element.click(); }"
    judged.get_by_label("Mark the damage").evaluate(press)
    judged.get_by_role("button", name="Turn left").evaluate(press)
    judged.wait_for_function(
        "() => [...document.querySelectorAll('#slider img')].every((i) => i.naturalHeight === 360)"
    )
    turned = np.rot90(plain, 3)
    marked = shown_picture(judged, 1, unlike=turned)
    judged.get_by_label("Mark the damage").uncheck()
    judged.get_by_role("button", name="Turn left").click()
    shown_picture(judged, 1, unlike=marked)
    judged.wait_for_function(f"() => document.querySelectorAll('#slider img')[1].naturalWidth === {plain.shape[1]}")
    assert difference(shown_picture(judged, 0), upright) < 2 and difference(shown_picture(judged, 1), plain) < 2


def test_the_positive_is_downloaded_at_full_size_with_exif_and_icc(page: Page, phone_photo: Path):
    drop(page, phone_photo)
    expect(page.locator(".verdict .edge")).to_have_text(phone_photo.name)
    expected = invert(open_scan(phone_photo).rgb)
    with page.expect_download() as download:
        page.locator("#save-jpeg").click()
    picture = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert download.value.suggested_filename == f"{phone_photo.stem}-positive.jpg"
    with Image.open(phone_photo) as original:
        assert picture.info["icc_profile"] == original.info["icc_profile"]
    assert picture.getexif()[271] == "Camera works" and 274 not in picture.getexif()
    assert difference(np.asarray(picture), np.rint(expected * 255)) < 2
    with page.expect_download() as download:
        page.locator("#save-tiff").click()
    assert download.value.suggested_filename == f"{phone_photo.stem}-positive.tif"
    data = Path(download.value.path()).read_bytes()
    assert np.array_equal(tifffile.imread(io.BytesIO(data)), np.rint(expected * 65535).astype(np.uint16))


def test_a_file_that_is_no_picture_gets_one_sentence_and_the_next_one_is_judged(page: Page, bad_files, negative: Path):
    drop(page, bad_files["text.jpg"])
    alert = page.get_by_test_id("toast-body")
    expect(alert.get_by_test_id("toast-text")).to_contain_text("text.jpg: not a picture we can open")
    heading = "getComputedStyle(document.querySelector('.toast-title'), '::before').content"
    assert page.evaluate(heading) == '"That did not work"'
    page.get_by_test_id("toast-close").click()
    expect(alert).to_have_count(0)
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")


def test_a_pasted_picture_is_judged(page: Page, negative: Path):
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        list(negative.read_bytes()),
    )
    expect(page.locator(".verdict .edge")).to_have_text("pasted.jpg")


def test_the_camera_takes_a_picture_that_is_judged(page: Page):
    page.get_by_role("button", name="Use the camera").click()
    page.locator("#camera").get_by_role("button", name="Click to Access Webcam").click()
    page.wait_for_function("() => document.querySelector('#camera video')?.currentTime > 0.2")  # pictures are coming in
    page.locator("#camera button[aria-label='capture photo']").click()
    expect(page.locator(".verdict h2")).to_be_visible()


def test_an_example_is_judged_by_one_click(page: Page):
    examples = page.locator("#examples button")
    expect(examples).to_have_count(9)
    page.locator("#examples button", has_text="Holes").click()
    expect(page.locator(".verdict .edge")).to_have_text("holes.jpg")


def test_at_phone_width_nothing_runs_out_of_the_screen_and_the_verdict_follows_the_picture(
    browser, server: Server, negative: Path
):
    for page in visit(browser, server.url, viewport=PHONE, has_touch=True, is_mobile=True):
        drop(page, negative)
        expect(page.locator(".verdict h2")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        inside = "(e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.right <= innerWidth + 1; }"
        whole = ["#frame-file", "#camera", "#slider", "text=Mark the damage", "text=Density print", "#save-tiff"]
        for control in [*whole, "#prior", ".verdict", ".bars", ".evidence"]:
            assert page.locator(control).first.evaluate(inside), f"{control} is cut off"
        order = ("#slider", ".verdict", "#tools", ".bars", ".evidence")
        below = [page.locator(each).bounding_box()["y"] for each in order]
        assert below == sorted(below)


def test_a_file_dragged_onto_the_page_gets_a_verdict(page: Page, negative: Path):
    dragged = page.evaluate_handle(
        """bytes => {
            const dragged = new DataTransfer();
            dragged.items.add(new File([new Uint8Array(bytes)], "dragged.jpg", { type: "image/jpeg" }));
            return dragged;
        }""",
        list(negative.read_bytes()),
    )
    page.dispatch_event("#frame-file button", "drop", {"dataTransfer": dragged})
    expect(page.locator(".verdict .edge")).to_have_text("dragged.jpg")


def span(page: Page):
    """What the page says of the film's density span."""
    return page.locator(".evidence div", has=page.get_by_text("Density span", exact=True)).locator("dd")


def test_the_light_that_a_visitor_says_is_judged_noted_and_saved(page: Page, deep: list[Path], weights: Path):
    drop(page, deep[0])
    expect(page.locator(".verdict .hint")).to_have_text("Read as coded light (16 bits without a profile, not dark).")
    page.locator("#light").get_by_label("Linear").check()
    expect(page.locator(".verdict .hint")).to_have_text("Read as linear light (it was said so).")
    coded, linear = (load(weights).judge(open_scan(deep[0], light=light)) for light in ("coded", "linear"))
    said, before = (verdict.evidence.lines()[0][1] for verdict in (linear, coded))
    assert said != before
    expect(span(page)).to_contain_text(said)
    expect(page.locator("#chances")).to_contain_text(f"{linear.p_normal:.0%}")
    with page.expect_download() as download:
        page.locator("#save-tiff").click()
    expected = np.rint(invert(open_scan(deep[0], light="linear").rgb) * 65535)
    assert np.array_equal(tifffile.imread(download.value.path()), expected)
    drop(page, deep[1])
    expect(page.locator(".verdict .edge")).to_have_text(deep[1].name)
    expect(page.locator("#light").get_by_label("As the file says")).to_be_checked()
    expect(page.locator(".verdict .hint")).to_contain_text("Read as coded light")


def test_of_a_file_of_two_frames_the_first_is_judged_and_the_page_says_so(page: Page, strip: Path, weights: Path):
    drop(page, strip)
    expect(page.locator(".verdict .hint")).to_have_text(
        "The file holds 2 frames; this is the first. Under “A roll” all of them are judged."
    )
    expect(page.locator("#chances")).to_contain_text(f"{load(weights).judge(open_scan(strip)).p_normal:.0%}")
    assert difference(shown_picture(page, 0), open_scan(strip, number=0).pixels) < 3


def test_of_what_is_no_colour_negative_no_damage_and_no_chance_is_shown(page: Page, unlike_film: dict[str, Path]):
    drop(page, unlike_film["letter"])
    expect(page.locator(".verdict h2")).to_have_text("Check by eye")
    expect(page.locator(".verdict .why")).to_contain_text("not look like a colour negative")
    for nothing in (".bars", ".remedies", ".verdict .sure:not(:empty)"):
        expect(page.locator(nothing)).to_have_count(0)
    expect(page.locator("#chances")).not_to_contain_text("%")
    expect(page.locator("#tools")).to_contain_text("Nothing to mark: this is no colour negative")
    plain, address = shown_picture(page, 1), page.locator("#slider img").nth(1).get_attribute("src")
    page.get_by_label("Mark the damage").check()
    expect(page.locator("#slider img").nth(1)).not_to_have_attribute("src", address)
    assert np.array_equal(shown_picture(page, 1), plain)


def test_a_frame_that_holds_nothing_is_damaged(page: Page, unlike_film: dict[str, Path]):
    drop(page, unlike_film["black"])
    expect(page.locator(".verdict h2")).to_have_text("Damaged")
    expect(page.locator(".verdict .why")).to_contain_text("The frame holds nothing")
    expect(page.locator(".bars li").first).to_contain_text("Blank area")


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_file_with_the_longest_name_opens_and_its_downloads_have_a_shorter_one(
    page: Page, negative: Path, tmp_path: Path, letter: str
):
    path = tmp_path / f"{letter * (251 // len(letter.encode()))}.jpg"
    path.write_bytes(negative.read_bytes())
    assert len(path.name.encode()) > 253
    drop(page, path)
    expect(page.locator(".verdict .edge")).to_contain_text(letter * 90)
    assert difference(shown_picture(page, 0), open_scan(negative).pixels) < 3
    for button, suffix in (("#save-jpeg", ".jpg"), ("#save-tiff", ".tif")):
        with page.expect_download() as download:
            page.locator(button).click()
        name = download.value.suggested_filename
        assert name.startswith(letter * 90) and name.endswith(f"-positive{suffix}") and len(name.encode()) <= 255
        download.value.save_as(tmp_path / name)
        with Image.open(tmp_path / name) as positive:
            assert positive.size == (360, 240)
