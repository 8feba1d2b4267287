"""Accessibility: screen readers, keyboards, light and dark themes."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import AT_BOTH_WIDTHS, PHONE, WIDE, Server, drop, visit

pytestmark = pytest.mark.browser


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong by WCAG 2 A and AA."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme, viewport", [("light", WIDE), ("dark", PHONE)], ids=["light desk", "dark phone"])
def test_axe_finds_nothing_wrong(browser, server: Server, negative: Path, bad_files, scheme: str, viewport: dict):
    for page in visit(browser, server.url, viewport=viewport, color_scheme=scheme, reduced_motion="reduce"):
        assert not violations(page)
        drop(page, negative)
        expect(page.locator(".verdict h2")).to_be_visible()
        assert not violations(page)
        page.get_by_role("tab", name="A roll").click()
        page.wait_for_selector("#roll-files input[type=file]", state="attached")
        drop(page, negative, bad_files["text.jpg"], into="#roll-files")
        expect(page.locator(".progress")).to_contain_text("done in")
        assert not violations(page)
        for room in ("For programs", "About"):
            page.get_by_role("tab", name=room).click()
            expect(page.get_by_role("tabpanel").filter(visible=True)).to_contain_text(
                "weights" if room == "About" else "curl"
            )
            assert not violations(page)


COVERED = "parseFloat(document.querySelectorAll('#slider img')[1].style.clipPath.split(' ').pop())"  # per cent


@AT_BOTH_WIDTHS
def test_the_line_between_negative_and_positive_moves_with_the_keyboard(page: Page, negative: Path):
    drop(page, negative)
    line = page.get_by_role("slider", name="shows the negative")
    line.focus()
    for key, share in (("ArrowRight", 55), ("ArrowLeft", 50), ("Home", 0), ("ArrowRight", 5), ("End", 100)):
        page.keyboard.press(key)
        page.wait_for_function(f"() => Math.abs({COVERED} - {share}) < 2")
        expect(line).to_have_attribute("aria-valuenow", str(share))


@AT_BOTH_WIDTHS
def test_the_line_moves_over_the_width_of_an_upright_picture(page: Page, negative: Path):
    drop(page, negative)
    expect(page.locator("#slider img")).to_have_count(2)
    page.get_by_role("button", name="Turn left").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('#slider img')].every((i) => i.naturalHeight > i.naturalWidth)"
    )
    line = page.get_by_role("slider", name="shows the negative")
    line.focus()
    for key, share in (("Home", 0), ("ArrowRight", 5), ("ArrowRight", 10), ("End", 100), ("ArrowLeft", 95)):
        page.keyboard.press(key)
        expect(line).to_have_attribute("aria-valuenow", str(share))


def test_a_key_pressed_while_a_picture_is_still_on_its_way_is_not_lost(page: Page, negative: Path):
    held = []
    page.route("**/*-negative.jpg", lambda route: held.append(route))
    drop(page, negative)
    page.wait_for_function("() => document.querySelectorAll('#slider img')[1]?.naturalWidth")
    line = page.get_by_role("slider", name="shows the negative")
    line.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    held[0].continue_()
    page.wait_for_function(f"() => Math.abs({COVERED} - 60) < 2")
    expect(line).to_have_attribute("aria-valuenow", "60")


@AT_BOTH_WIDTHS
def test_after_a_verdict_the_place_for_the_next_file_is_one_line_and_still_takes_one(page: Page, negative: Path):
    before = page.locator("#frame-file").bounding_box()["height"]
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
    assert page.locator("#frame-file").bounding_box()["height"] < 50 < before
    with page.expect_file_chooser() as chooser:
        page.locator("#frame-file button").click()
    chooser.value.set_files({"name": "next.jpg", "mimeType": "image/jpeg", "buffer": negative.read_bytes()})
    expect(page.locator(".verdict .edge")).to_have_text("next.jpg")


def test_every_tab_is_in_sight_on_a_phone(browser, server: Server):
    for page in visit(browser, server.url, viewport=PHONE, has_touch=True, is_mobile=True):
        for name in ("One frame", "A roll", "For programs", "About"):
            expect(page.get_by_role("tab", name=name)).to_be_in_viewport()


@AT_BOTH_WIDTHS
def test_a_roll_is_worked_through_with_the_keyboard_alone(page: Page, negative: Path):
    page.get_by_role("tab", name="One frame").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "A roll"
    page.keyboard.press("Enter")
    page.wait_for_selector("#roll-files input[type=file]", state="attached")
    drop(page, negative, into="#roll-files")
    expect(page.locator(".progress")).to_contain_text("done in")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#roll .cell button')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focused frame is not to be seen"
    page.keyboard.press("Enter")
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
