"""One server and one browser for all tests of the page: the real command, the real client, tiny weights."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import film
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
).split()
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Server:
    """`python space/app.py` on a free port; `log()` is what it printed."""

    def __init__(self, weights: Path, folder: Path, **environment: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.uploads, self._log = f"http://127.0.0.1:{self.port}/", folder / "uploads", folder / "log"
        given = {"MODEL_ID": str(weights), "GRADIO_SERVER_PORT": str(self.port), "GRADIO_TEMP_DIR": str(self.uploads)}
        with self._log.open("w") as log:
            command = [sys.executable, str(ROOT / "space" / "app.py")]
            self.started = time.monotonic()
            self.process = subprocess.Popen(command, env=os.environ | given | environment, stdout=log, stderr=log)
        self.seconds_to_start = self._wait()

    def _wait(self) -> float:
        while time.monotonic() - self.started < 60 and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url).close()
                return time.monotonic() - self.started
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the page did not start:\n{self.log()}")

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="session")
def server(weights: Path, tmp_path_factory) -> Iterator[Server]:
    server = Server(weights, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, opened at desk width; nothing it does may reach beyond this machine."""
    yield from visit(browser, server.url, viewport=WIDE)


def visit(browser: Browser, url: str, **options) -> Iterator[Page]:
    context = browser.new_context(accept_downloads=True, **options)
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else outside.append(r.url))
    page.set_default_timeout(20_000)
    page.goto(url)
    page.wait_for_selector("#frame-file input[type=file]", state="attached")
    yield page
    context.close()
    assert not outside, f"the page asked for {outside}"


@pytest.fixture(scope="session")
def negative(tmp_path_factory) -> Path:
    """A small colour negative as a phone would send it."""
    path = tmp_path_factory.mktemp("film") / "frame_07.jpg"
    Image.fromarray(film.eight_bit(film.frame(240, 360, seed=7))).save(path, quality=92)
    return path


def drop(page: Page, *paths: Path, into: str = "#frame-file") -> None:
    page.set_input_files(f"{into} input[type=file]", [str(path) for path in paths])


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two uint8 pictures."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())
