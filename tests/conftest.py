"""Shared by all tests: a private Hugging Face home, tiny weights and a browser.

Everything is generated; nothing is downloaded, and nothing outside the repository is read.
"""

from environment import HF_HOME, HUB, Hub

# isort: split
import os
import shutil
from pathlib import Path

import pytest
import torch

from darkroom.judge.resnet import ResNet18
from film import GATE, write
from scored import small

ROOT = Path(__file__).resolve().parents[1]
torch.set_num_threads(1)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a browser its tests are skipped with a message; in CI they fail."""
    if find_browser() or os.environ.get("CI", "").lower() in ("1", "true"):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter) -> None:
    if not find_browser():
        terminalreporter.section("NO BROWSER", red=True, bold=True)
        terminalreporter.line("The page was not tested in a browser: install chromium (Debian: apt install chromium).")


def pytest_sessionfinish() -> None:
    shutil.rmtree(HF_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser to drive; tests that use it carry the mark `browser`."""
    browser = find_browser()
    assert browser, f"no browser found; looked for {', '.join(BROWSERS)}"
    return browser


@pytest.fixture(scope="session")
def hub() -> Hub:
    """The Hub that every client in these tests talks to, in this process and in those it starts."""
    return HUB


@pytest.fixture
def logged_in(hub, monkeypatch) -> Hub:
    """The Hub, with its token in the environment."""
    monkeypatch.setenv("HF_TOKEN", hub.token)
    yield hub
    hub.faults.clear()


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """A folder with a small, untrained, seeded network, saved as training saves one."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    ResNet18(input_size=64, gate=GATE).save_pretrained(folder)
    return folder


@pytest.fixture
def scans(tmp_path) -> Path:
    folder = tmp_path / "scans"
    for box in ("box 1", "box 2"):
        (folder / box).mkdir(parents=True)
        for seed in range(3):
            write(folder / box, f"{seed}.png", small(seed + 3 * (box == "box 2")))
    return folder
