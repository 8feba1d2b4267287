"""One server and one browser for all tests of the page: the real command, the real client, tiny weights."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image, ImageCms
from playwright.sync_api import Browser, Page, expect, sync_playwright

import film
from simulator import not_negatives

ROOT = Path(__file__).resolve().parents[2]
APP = str(ROOT / "space" / "app.py")
ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
).split()
PATIENCE = 90_000  # ms; the tests share two cores with others
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
AT_BOTH_WIDTHS = pytest.mark.parametrize("page", [WIDE, PHONE], ids=["desk", "phone"], indirect=True)  # layout matters


class Server:
    """`python space/app.py` on a free port; `log()` is what it printed."""

    def __init__(self, weights: Path, folder: Path, command: tuple[str, ...] = (APP,), **environment: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.uploads, self._log = f"http://127.0.0.1:{self.port}/", folder / "uploads", folder / "log"
        given = {"MODEL_ID": str(weights), "GRADIO_SERVER_PORT": str(self.port), "GRADIO_TEMP_DIR": str(self.uploads)}
        with self._log.open("w") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [sys.executable, *command], env=os.environ | given | environment, stdout=log, stderr=log
            )
        self.seconds_to_start = self._wait()

    def _wait(self) -> float:
        while time.monotonic() - self.started < 150 and self.process.poll() is None:
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


CARD = """---
model-index:
- name: test
  results:
  - task: {type: image-classification}
    dataset: {name: drawn film, type: imagefolder, split: test}
    metrics:
    - {type: f1, value: 0.8125, name: F1 of damaged}
---
# A test model

Trained by nobody, on nothing.
"""


@pytest.fixture(scope="session")
def weights(weights: Path, tmp_path_factory) -> Path:
    """The tiny weights with a card beside them."""
    folder = tmp_path_factory.mktemp("carded") / "carded-weights"
    shutil.copytree(weights, folder)
    (folder / "README.md").write_text(CARD)
    return folder


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
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    """The page, opened on a desk or as `AT_BOTH_WIDTHS` has it; nothing it does may reach beyond this machine."""
    yield from visit(browser, server.url, viewport=getattr(request, "param", WIDE))


def visit(browser: Browser, url: str, **options) -> Iterator[Page]:
    context = browser.new_context(accept_downloads=True, **options)
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else outside.append(r.url))
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
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


@pytest.fixture(scope="session")
def unlike_film(tmp_path_factory) -> dict[str, Path]:
    """A page of text, and an empty frame."""
    folder = tmp_path_factory.mktemp("unlike")
    text = not_negatives.page(film.frame(200, 300), np.random.default_rng(1))
    Image.fromarray(film.eight_bit(text)).save(folder / "letter.png")
    Image.fromarray(np.zeros((200, 300, 3), np.uint8)).save(folder / "black.png")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def deep(tmp_path_factory) -> list[Path]:
    """Two scans of 16 bits without a profile, and not dark: taken as coded unless it is said otherwise."""
    folder = tmp_path_factory.mktemp("deep")
    for seed in (3, 4):
        (folder / f"scan_{seed}.tif").write_bytes(film.tiff(film.sixteen_bit(film.frame(240, 360, seed))))
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def thin(tmp_path_factory) -> list[Path]:
    """Two scans of 16 bits that hold a picture in coded light, as which they are taken, and none in linear light."""
    folder = tmp_path_factory.mktemp("thin")
    for seed in (3, 4):
        (folder / f"thin_{seed}.tif").write_bytes(film.tiff(film.sixteen_bit(film.thin(seed))))
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def strip(tmp_path_factory) -> Path:
    """A TIFF of two frames."""
    path = tmp_path_factory.mktemp("strip") / "strip.tif"
    with tifffile.TiffWriter(path) as tiff:
        for seed in (1, 2):
            tiff.write(film.eight_bit(film.frame(96, 144, seed)), photometric="rgb", metadata=None, contiguous=False)
    return path


@pytest.fixture(scope="session")
def bad_files(tmp_path_factory) -> dict[str, Path]:
    """Files that are no frame, by what is wrong with them; their names say it too."""
    folder = tmp_path_factory.mktemp("bad")
    good = film.eight_bit(film.frame(96, 144))
    jpeg = io.BytesIO()
    Image.fromarray(good).save(jpeg, "JPEG")
    nan = film.frame(64, 96).astype(np.float32)
    nan[3, 4] = np.nan
    animated = io.BytesIO()
    still = Image.fromarray(good)
    still.save(animated, "GIF", save_all=True, append_images=[still.rotate(180)])
    contents = {
        "text.jpg": b"these are words",
        "empty.jpg": b"",
        "truncated.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "bomb.png": film.png(None, size=(30_000, 30_000)),
        "one_pixel.png": film.png(np.zeros((1, 1, 3), np.uint8)),
        "animated.gif": animated.getvalue(),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "nan.tif": film.tiff(nan),
        "<b>markup.jpg": b"no picture",
        "broken.heic": b"\0\0\0\x1cftypheic" + b"\0" * 40,
        "broken.nef": b"II*\0" + b"\0" * 200,
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in contents}


@pytest.fixture(scope="session")
def odd_files(tmp_path_factory) -> dict[str, Path]:
    """Unusual files that are pictures of film all the same."""
    folder = tmp_path_factory.mktemp("odd")
    rgb = film.eight_bit(film.frame(96, 144))
    picture = Image.fromarray(rgb)
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    picture.convert("1").save(folder / "one_bit.png")
    (folder / "deep.tif").write_bytes(film.tiff(film.sixteen_bit(film.frame(96, 144))))
    Image.fromarray(film.eight_bit(film.frame(400, 15_000))).save(folder / "strip.png", compress_level=1)
    pillow_heif.from_pillow(picture).save(folder / "phone.heic", quality=90)
    return {path.name: path for path in sorted(folder.iterdir())}


@pytest.fixture(scope="session")
def phone_photo(tmp_path_factory) -> Path:
    """A negative from a phone held sideways: EXIF orientation 6, a camera's name, a colour profile."""
    path = tmp_path_factory.mktemp("phone") / "IMG_0042.jpg"
    exif = Image.Exif()
    exif[271], exif[274] = "Camera works", 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sideways = np.rot90(film.eight_bit(film.frame(400, 600, seed=9)))
    Image.fromarray(np.ascontiguousarray(sideways)).save(path, quality=95, exif=exif, icc_profile=profile)
    return path


def shown_picture(page: Page, which: int, unlike: np.ndarray | None = None) -> np.ndarray:
    """Picture 0 (negative) or 1 (positive) of the slider, (h, w, 3) uint8, once it differs from `unlike`."""
    for _ in range(100):
        images = page.locator("#slider img")
        if images.count() == 2 and images.nth(which).evaluate("(i) => i.complete && i.naturalWidth > 0"):
            data = page.request.get(images.nth(which).get_attribute("src")).body()
            picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            if unlike is None or picture.shape != unlike.shape or difference(picture, unlike) > 1:
                return picture
        page.wait_for_timeout(100)
    raise AssertionError("the picture did not change")


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two uint8 pictures."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())
