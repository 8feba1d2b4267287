"""How long a visitor waits, until the page is there, for a verdict on a 12-megapixel JPEG, for a roll; and the memory.

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

from playwright.sync_api import sync_playwright

from pictures import photograph

APP = Path(__file__).resolve().parents[1] / "space" / "app.py"
ROUNDS, FRAMES, VERDICTS = 5, 36, 200
MOST_WAIT = 600_000  # ms
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


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


def memory(process: subprocess.Popen) -> float:
    """Resident memory of a process, in GB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e9


def judged(page, picture: Path) -> float:
    """Upload one picture; the seconds until its verdict is shown."""
    page.set_input_files("#frame-file input[type=file]", picture)
    began = time.perf_counter()
    shown = "(name) => document.querySelector('.verdict .edge')?.innerText === name"
    page.wait_for_function(shown, arg=picture.name)
    return time.perf_counter() - began


def measured(browser: str, weights: str | None) -> dict[str, float]:
    """Seconds, and GB of the page's process: see what `main` prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process, answered = start(port, weights)
    found: dict[str, float] = {}
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            pictures = [photograph(Path(folder) / f"frame_{i}.jpg", i) for i in range(ROUNDS + 1)]
            page = playwright.chromium.launch(executable_path=browser, args=ARGS).new_page()
            page.set_default_timeout(MOST_WAIT)
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector("#frame-file input[type=file]", state="attached")
            found["interactive"] = answered + time.perf_counter() - began
            first, *rest = (judged(page, picture) for picture in pictures)
            found |= {"first": first, "following": statistics.median(rest), "memory": memory(process)}
            for n in range(VERDICTS - len(pictures)):
                judged(page, pictures[n % len(pictures)])
            found["memory after many"] = memory(process)
            page.get_by_role("tab", name="A roll").click()
            page.wait_for_selector("#roll-files input[type=file]", state="attached")
            began = time.perf_counter()
            page.set_input_files("#roll-files input[type=file]", pictures * (FRAMES // len(pictures)))
            page.wait_for_selector(".progress:has-text('done in')")
            found["roll"] = time.perf_counter() - began
            page.context.browser.close()
    finally:
        process.terminate()
        process.wait()
    return found


def find_browser() -> str | None:
    """The path of a browser to drive."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="a folder or a Hub id")
    weights = parser.parse_args().weights
    browser = find_browser()
    if not browser:
        sys.exit(f"no browser found; install one of {', '.join(BROWSERS)}")
    found = measured(browser, weights)
    print(f"page interactive after the start      {found['interactive']:6.2f} s")
    print(f"verdict on 12 megapixels, first       {found['first']:6.2f} s")
    print(f"verdict on 12 megapixels, median      {found['following']:6.2f} s")
    print(f"a roll of {FRAMES} such frames              {found['roll']:6.2f} s")
    print(f"memory after {ROUNDS + 1} verdicts               {found['memory']:6.2f} GB")
    print(f"memory after {VERDICTS} verdicts             {found['memory after many']:6.2f} GB")


if __name__ == "__main__":
    main()
