"""One frame in a real browser: from the file to the verdict."""

from pathlib import Path

import pytest
from conftest import Server, drop
from darkroom.scan import open_scan
from darkroom.verdict import load
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_a_dropped_file_gets_a_verdict_beside_its_positive(page: Page, negative: Path, weights: Path):
    expected = load(weights).judge(open_scan(negative))
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
    spoken = {"readable": "Readable", "damaged": "Damaged", "check": "Needs a look"}[expected.verdict]
    expect(page.locator(".verdict h2")).to_have_text(spoken)
    expect(page.locator("#chances")).to_contain_text(f"{expected.p_normal:.0%}")
    images = page.locator("#slider img")
    expect(images).to_have_count(2)
    loaded = "(images) => images.every((i) => i.naturalWidth === 360 && i.naturalHeight === 240)"
    page.wait_for_function(f"() => ({loaded})([...document.querySelectorAll('#slider img')])")


def test_a_text_file_named_jpg_is_refused_in_one_sentence_and_the_next_file_is_judged(
    page: Page, negative: Path, tmp_path: Path, server: Server
):
    bad = tmp_path / "notes.jpg"
    bad.write_text("no picture at all")
    drop(page, bad)
    alert = page.locator(".toast-body")
    expect(alert).to_contain_text("notes.jpg: not a picture we can open")
    assert "/tmp" not in page.inner_text("body")
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
    assert "Traceback" not in server.log()
