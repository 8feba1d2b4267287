"""How long a visitor waits: until the page is there, until the first verdict on a 12-megapixel JPEG, for a whole roll.

python bench/page_speed.py            # the bundled weights, or --weights FOLDER; needs chromium
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

APP = Path(__file__).resolve().parents[1] / "space" / "app.py"
ROUNDS, FRAMES = 5, 36
MOST_WAIT = 600_000  # ms
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def photograph(path: Path, seed: int) -> Path:
    """A 12-megapixel JPEG of about 3 MB: an orange film with a scene and grain."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.2, 0.8, (30, 40, 3)) * (0.9, 0.6, 0.4)
    scene = np.asarray(Image.fromarray((coarse * 255).astype(np.uint8)).resize((4000, 3000), Image.Resampling.BICUBIC))
    grain = rng.integers(-4, 5, (3000, 4000, 1), dtype=np.int16)
    Image.fromarray((scene + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def start(port: int, weights: str | None) -> tuple[subprocess.Popen, float]:
    """Start the page; returns the process and the seconds until it answered."""
    began = time.perf_counter()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)} | ({"MODEL_ID": weights} if weights else {})
    process = subprocess.Popen([sys.executable, str(APP)], env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
            return process, time.perf_counter() - began
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the page did not start")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a folder or a Hub id")
    weights = parser.parse_args().weights
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        sys.exit(f"no browser found; install one of {', '.join(BROWSERS)}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process, answered = start(port, weights)
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            pictures = [photograph(Path(folder) / f"frame_{i}.jpg", i) for i in range(ROUNDS + 1)]
            browser = playwright.chromium.launch(executable_path=found, args=ARGS)
            page = browser.new_page()
            page.set_default_timeout(MOST_WAIT)
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector("#frame-file input[type=file]", state="attached")
            print(f"page interactive after the start  {answered + time.perf_counter() - began:6.2f} s")
            waits = []
            for picture in pictures:
                page.set_input_files("#frame-file input[type=file]", picture)
                began = time.perf_counter()
                shown = "(name) => document.querySelector('.verdict .edge')?.innerText === name"
                page.wait_for_function(shown, arg=picture.name)
                waits.append(time.perf_counter() - began)
            print(f"verdict on 12 megapixels, first   {waits[0]:6.2f} s")
            print(f"verdict on 12 megapixels, median  {statistics.median(waits[1:]):6.2f} s")
            page.get_by_role("tab", name="A roll").click()
            page.wait_for_selector("#roll-files input[type=file]", state="attached")
            page.set_input_files("#roll-files input[type=file]", pictures * (FRAMES // len(pictures)))
            page.wait_for_selector(".progress:has-text('done in')")
            print(f"a roll of {FRAMES} such frames          {page.inner_text('.progress')}")
            browser.close()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
