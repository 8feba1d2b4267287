"""Infrared on the page: measured, reported, and painted over the picture on request."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from conftest import difference, drop, shown_picture
from infrared import DEEP, DEEP_DUSTY, FILES, HEIGHT, LOW, SHARE, WIDTH, saved, specks
from test_page_roll import judge_roll, table

pytestmark = pytest.mark.browser
BLUE = (0, 200, 255)


@pytest.fixture
def dusty(tmp_path) -> Path:
    path = tmp_path / "dusty.tif"
    path.write_bytes(FILES["second page"])
    return path


def blue(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture.astype(int) - BLUE).max(-1) < 60


def test_dust_is_measured_said_and_painted_over_both_pictures(page: Page, dusty: Path):
    drop(page, dusty)
    row = page.locator(".evidence div", has=page.get_by_text("Dust and scratches in infrared", exact=True))
    expect(row.locator("dd")).to_contain_text("% of the frame")
    assert float(row.locator("dd").inner_text().split("%")[0]) == pytest.approx(100 * SHARE, rel=0.1)
    expect(page.locator(".verdict .why")).to_contain_text("clean the film")
    before = [shown_picture(page, i) for i in (0, 1)]
    page.get_by_label("Mark the dust").check()
    expect(page.locator("#tools")).to_contain_text("Blue: dust and scratches")
    for i, plain in enumerate(before):
        painted = shown_picture(page, i, unlike=plain)
        assert painted.shape[:2] == (HEIGHT, WIDTH)
        assert blue(painted)[specks()].mean() > 0.9 and not blue(plain).any()
        assert difference(painted[:15], plain[:15]) < 3  # where there is none
    page.get_by_role("button", name="Turn left").click()
    page.wait_for_function(f"() => document.querySelector('#slider img').naturalHeight === {WIDTH}")
    assert blue(shown_picture(page, 1))[np.rot90(specks())].mean() > 0.9
    page.get_by_label("Mark the dust").uncheck()
    page.get_by_role("button", name="Turn right").click()
    both = "(tall) => [...document.querySelectorAll('#slider img')].every((picture) => picture.naturalHeight === tall)"
    page.wait_for_function(both, arg=HEIGHT)
    assert difference(shown_picture(page, 1), before[1]) < 2


def test_without_infrared_there_is_nothing_to_mark(page: Page, negative: Path, dusty: Path):
    drop(page, negative)
    expect(page.locator(".verdict .edge")).to_have_text(negative.name)
    expect(page.get_by_label("Mark the dust")).to_be_hidden()
    drop(page, dusty)
    page.get_by_label("Mark the dust").check()
    drop(page, negative)
    expect(page.get_by_label("Mark the dust")).to_be_hidden()
    expect(page.locator(".evidence")).not_to_contain_text("infrared")


def test_in_a_roll_the_infrared_file_goes_with_its_picture(page: Page, tmp_path):
    from test_files import pages

    (tmp_path / "a.jpg").write_bytes(saved(LOW))
    (tmp_path / "a_IR.tif").write_bytes(pages((DEEP_DUSTY, {})))
    (tmp_path / "b.tif").write_bytes(pages((DEEP, {})))
    judge_roll(page, *sorted(tmp_path.iterdir()), count=2)
    with_it, without = table(page)
    assert float(with_it["infrared_dust"]) == pytest.approx(SHARE, rel=0.1) and without["infrared_dust"] == ""
    page.locator("#roll .cell button", has_text="a.jpg").click()
    page.get_by_label("Mark the dust").check()
    page.wait_for_timeout(500)
    assert blue(shown_picture(page, 1))[specks()].mean() > 0.9
