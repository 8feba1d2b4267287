"""A strip in a real browser: its frames, their outlines, and what follows when a corner is dragged."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from conftest import AT_BOTH_WIDTHS, PHONE, Server, drop, shown_picture, visit
from darkroom.film.base import of_roll
from darkroom.film.preview import positive_view, reduce
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut, cut_out
from darkroom.judge.verdict import load
from test_cut import coded, strip_picture
from test_page_feel import violations
from test_page_frame import SPOKEN
from test_page_roll import judge_roll, table

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def film_strip(tmp_path_factory) -> Path:
    """Three frames on a light table."""
    light, _ = strip_picture(3)
    path = tmp_path_factory.mktemp("strips") / "strip.jpg"
    Image.fromarray(coded(light)).save(path, quality=95, subsampling=0)
    return path


def corner(page: Page, frame: int, which: str):
    return page.get_by_role("button", name=f"Frame {frame}, {which} corner")


def outline(page: Page, frame: int) -> np.ndarray:
    """(4, 2) shares of the picture."""
    points = page.locator(f".laid polygon[data-frame='{frame - 1}']").get_attribute("points")
    return np.array(re.split(r"[ ,]", points), float).reshape(4, 2) / 100


def test_a_strip_becomes_frames_each_with_its_verdict_and_its_picture(page: Page, film_strip: Path, weights: Path):
    drop(page, film_strip)
    judge, frames = load(weights), cut(open_scan(film_strip, "strip.jpg"))
    said = [judge.judge(frame) for frame in frames]
    expect(page.locator("#cuts .cell .edge")).to_have_text(["#1", "#2", "#3"])
    expect(page.locator("#cuts .cell strong")).to_have_text([SPOKEN[verdict.verdict] for verdict in said])
    expect(page.locator(".laid polygon")).to_have_count(3)
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#1")
    before = shown_picture(page, 0)
    page.locator("#cuts .cell button").nth(2).click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#3")
    expect(page.locator("#chances")).to_contain_text(f"{said[2].p_normal:.0%}")
    third = shown_picture(page, 0, unlike=before)
    assert third.shape[0] / third.shape[1] == pytest.approx(2 / 3, abs=0.05)
    page.locator(".laid polygon").nth(1).click(position={"x": 9, "y": 9})
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#2")


@AT_BOTH_WIDTHS
def test_a_dragged_corner_changes_the_frame_and_the_verdict_follows(page: Page, film_strip: Path, weights: Path):
    drop(page, film_strip)
    expect(page.locator("#cuts .cell")).to_have_count(3)
    page.locator("#cuts .cell button").nth(1).click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#2")
    before, picture, measured = outline(page, 2), shown_picture(page, 0), page.locator(".evidence").inner_text()
    handle = corner(page, 2, "lower right")
    handle.scroll_into_view_if_needed()
    laid, at = page.locator(".laid").bounding_box(), handle.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(laid["x"] + 0.53 * laid["width"], laid["y"] + 0.52 * laid["height"], steps=5)
    assert np.abs(outline(page, 2)[2] - (0.53, 0.52)).max() < 0.02  # while it is dragged
    page.mouse.up()
    changed = shown_picture(page, 0, unlike=picture)
    after = outline(page, 2)
    assert np.abs(after[2] - (0.53, 0.52)).max() < 0.02 and np.allclose(after[[0, 1, 3]], before[[0, 1, 3]], atol=1e-4)
    (mine,) = cut_out(open_scan(film_strip, "strip.jpg"), [after], 2)
    expected = load(weights).judge(mine)
    for _, value, _ in expected.evidence.lines():
        expect(page.locator(".evidence")).to_contain_text(value)
    expect(page.locator("#chances")).to_contain_text(f"{expected.p_normal:.0%}")
    assert page.locator(".evidence").inner_text() != measured
    assert np.abs(np.subtract(changed.shape, mine.small_pixels.shape)).max() <= 2
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#2")


def test_a_corner_moves_with_the_keyboard_keeps_the_focus_and_never_folds_its_outline(page: Page, film_strip: Path):
    drop(page, film_strip)
    expect(page.locator("#cuts .cell")).to_have_count(3)
    before, picture = outline(page, 1), shown_picture(page, 0)
    corner(page, 1, "upper left").focus()
    page.keyboard.press("ArrowRight")
    shown_picture(page, 0, unlike=picture)
    assert outline(page, 1)[0, 0] == pytest.approx(before[0, 0] + 0.005, abs=1e-4)
    expect(corner(page, 1, "upper left")).to_be_focused()
    handle, laid = corner(page, 1, "upper left").bounding_box(), page.locator(".laid").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(laid["x"] + 0.95 * laid["width"], laid["y"] + 0.95 * laid["height"], steps=3)
    ahead = np.roll(outline(page, 1), -1, axis=0) - outline(page, 1)
    after = np.roll(ahead, -1, axis=0)
    assert (ahead[:, 0] * after[:, 1] > ahead[:, 1] * after[:, 0]).all()
    page.mouse.up()


def test_the_whole_picture_is_judged_when_it_is_asked_for_and_the_frames_come_back(
    page: Page, film_strip: Path, weights: Path
):
    drop(page, film_strip)
    expect(page.locator("#cuts .cell")).to_have_count(3)
    page.get_by_role("button", name="Judge the whole picture").click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg")
    expect(page.locator(".laid")).to_have_count(0)
    whole = load(weights).judge(open_scan(film_strip))
    expect(page.locator(".verdict h2")).to_have_text(SPOKEN[whole.verdict])
    page.get_by_role("button", name="Judge the 3 frames that were found").click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#1")
    expect(page.locator(".laid polygon")).to_have_count(3)


def test_prior_and_download_are_those_of_the_frame_that_is_shown(page: Page, film_strip: Path, weights: Path):
    drop(page, film_strip)
    expect(page.locator("#cuts .cell")).to_have_count(3)
    frames = cut(open_scan(film_strip, "strip.jpg"))
    box = page.get_by_role("spinbutton", name="Out of 100 such frames").first
    box.fill("97")
    box.blur()
    said = [load(weights).judge(frame, prior=0.97) for frame in frames]
    expect(page.locator("#cuts .cell strong")).to_have_text([SPOKEN[verdict.verdict] for verdict in said])
    page.locator("#cuts .cell button").nth(1).click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#2")
    with page.expect_download() as download:
        page.locator("#save-jpeg").click()
    assert download.value.suggested_filename == "strip-frame-2-positive.jpg"
    with Image.open(download.value.path()) as positive:
        assert positive.size == frames[1].pixels.shape[1::-1]


def test_a_single_frame_has_no_outlines_also_after_a_strip(page: Page, film_strip: Path, negative: Path):
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
    expect(page.locator("#judge-whole")).to_be_hidden()
    drop(page, film_strip)
    expect(page.locator("#judge-whole")).to_be_visible()
    drop(page, negative)
    expect(page.locator("#judge-whole")).to_be_hidden()
    expect(page.locator(".laid")).to_have_count(0)


def test_a_finger_drags_a_corner_on_a_phone_and_nothing_runs_out_of_the_screen(
    browser, server: Server, film_strip: Path
):
    for page in visit(browser, server.url, viewport=PHONE, has_touch=True, is_mobile=True):
        drop(page, film_strip)
        expect(page.locator("#cuts .cell")).to_have_count(3)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert not violations(page)
        before, picture = outline(page, 1), shown_picture(page, 0)
        handle = corner(page, 1, "upper left")
        handle.scroll_into_view_if_needed()
        at = handle.bounding_box()
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        touch = page.context.new_cdp_session(page)
        for kind, points in (
            ("touchStart", [{"x": x, "y": y}]),
            ("touchMove", [{"x": x + 12, "y": y + 6}]),
            ("touchMove", [{"x": x + 24, "y": y + 12}]),
            ("touchEnd", []),
        ):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        shown_picture(page, 0, unlike=picture)
        laid = page.locator(".laid").bounding_box()
        moved = (outline(page, 1)[0] - before[0]) * (laid["width"], laid["height"])
        assert np.abs(moved - (24, 12)).max() < 2


def test_a_roll_takes_strips_and_single_frames_and_several_pages_together(
    page: Page, film_strip: Path, negative: Path, strip: Path, weights: Path
):
    judge_roll(page, film_strip, negative, strip, count=3 + 1 + 2, pictures=4)
    rows = table(page)
    names = [*(f"strip.jpg#{n}" for n in (1, 2, 3)), "frame_07.jpg", "strip.tif#1", "strip.tif#2"]
    assert [row["file"] for row in rows] == names
    said = [load(weights).judge(frame) for frame in cut(open_scan(film_strip, "strip.jpg"))]
    assert [float(row["p_normal"]) for row in rows[:3]] == pytest.approx([v.p_normal for v in said], abs=1e-4)
    page.locator("#roll .cell button", has_text="strip.jpg#2").click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#2")
    assert np.abs(np.subtract(shown_picture(page, 0).shape[:2], np.array((24, 36)) * 6)).max() < 8
    page.get_by_role("tab", name="A roll").click()
    page.locator("#roll-light").get_by_label("Coded").check()  # judged anew
    expect(page.locator(".progress")).to_contain_text("4 of 4 done in")
    assert [row["file"] for row in table(page)] == names


def test_a_frame_of_a_roll_is_printed_in_the_colour_of_all_its_strips(page: Page, film_strip: Path, tmp_path: Path):
    denser = tmp_path / "denser.jpg"
    Image.fromarray(coded(strip_picture(3)[0] ** 1.4)).save(denser, quality=95, subsampling=0)
    judge_roll(page, film_strip, denser, count=6, pictures=2)
    page.locator("#roll .cell button", has_text="strip.jpg#2").click()
    expect(page.locator(".verdict .edge")).to_have_text("strip.jpg#2")
    standard = shown_picture(page, 1)
    page.get_by_label("Density print").check()
    shown = shown_picture(page, 1, unlike=standard)
    strips = [cut(open_scan(path)) for path in (film_strip, denser)]
    mine, bases = strips[0][1], [frame.base for strip in strips for frame in strip]
    alone, together = (positive_view(reduce(mine), "density", base) for base in (mine.base, of_roll(mine.base, bases)))
    colour = [picture.mean(axis=(0, 1)) for picture in (shown, together, alone)]  # a preview's detail is compressed
    assert np.abs(colour[0] - colour[1]).max() < 1 < np.abs(colour[0] - colour[2]).max() / 2


def test_odd_pictures_are_answered_as_one_frame(page: Page, unlike_film: dict[str, Path], tmp_path: Path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(60, 200, (30, 200, 3), dtype=np.uint8)).save(tmp_path / "narrow.png")
    for path in (tmp_path / "narrow.png", unlike_film["letter"]):
        drop(page, path)
        expect(page.locator(".verdict .edge")).to_have_text(path.name)
        expect(page.locator("#judge-whole")).to_be_hidden()
