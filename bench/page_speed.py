"""How long a visitor waits, until the page is there, for a verdict on a 12-megapixel JPEG, for a roll; and the memory.
Beside it what Gradio alone takes: a bare page that answers with the file's name.

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from pictures import photograph

APP, BARE = Path(__file__).resolve().parents[1] / "space" / "app.py", Path(__file__).with_name("bare_page.py")
ROUNDS, FRAMES, VERDICTS = 5, 36, 200
MOST_WAIT, POLLING = 600_000, 20  # ms
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@contextmanager
def visited(browser: str, app: Path, weights: str | None = None) -> Iterator[tuple[subprocess.Popen, Page, float]]:
    """Start an app and open its page; gives the process, the page and the seconds until it can be used."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)} | ({"MODEL_ID": weights} if weights else {})
    process = subprocess.Popen([sys.executable, str(app)], env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for(process, port)
        answered = time.perf_counter() - began
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=browser, args=ARGS).new_page()
            page.set_default_timeout(MOST_WAIT)
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector("#frame-file input[type=file]", state="attached")
            yield process, page, answered + time.perf_counter() - began
            page.context.browser.close()
    finally:
        process.terminate()
        process.wait()


def wait_for(process: subprocess.Popen, port: int) -> None:
    """Until the page answers."""
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the page did not start")


def memory(process: subprocess.Popen) -> float:
    """Resident memory of a process, in GB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e9


def judged(page: Page, picture: Path) -> float:
    """Upload one picture; the seconds until its verdict is shown."""
    page.set_input_files("#frame-file input[type=file]", picture)
    began = time.perf_counter()
    # Seldom asked, and for what needs no layout: asked at every frame, half a core would be the question's.
    shown = "(name) => document.querySelector('.verdict .edge')?.textContent === name"
    page.wait_for_function(shown, arg=picture.name, polling=POLLING)
    return time.perf_counter() - began


def measured(browser: str, weights: str | None) -> dict[str, float]:
    """Seconds, and GB of the page's process: see what `main` prints."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = [photograph(Path(folder) / f"frame_{i}.jpg", i) for i in range(ROUNDS + 1)]
        with visited(browser, BARE) as (_, page, interactive):
            found = {"bare interactive": interactive}
            found["bare following"] = statistics.median([judged(page, picture) for picture in pictures][1:])
        with visited(browser, APP, weights) as (process, page, interactive):
            first, *rest = (judged(page, picture) for picture in pictures)
            found |= {"interactive": interactive, "first": first, "following": statistics.median(rest)}
            found["memory"] = memory(process)
            for n in range(VERDICTS - len(pictures)):
                judged(page, pictures[n % len(pictures)])
            found["memory after many"] = memory(process)
            page.get_by_role("tab", name="A roll").click()
            page.wait_for_selector("#roll-files input[type=file]", state="attached")
            began = time.perf_counter()
            page.set_input_files("#roll-files input[type=file]", pictures * (FRAMES // len(pictures)))
            page.wait_for_selector(".progress:has-text('done in')")
            found["roll"] = time.perf_counter() - began
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
    lines = [
        ("page interactive after the start", found["interactive"], f"s; a bare page {found['bare interactive']:.2f}"),
        ("verdict on 12 megapixels, first", found["first"], "s"),
        ("verdict on 12 megapixels, median", found["following"], f"s; a bare page {found['bare following']:.2f}"),
        (f"a roll of {FRAMES} such frames", found["roll"], "s"),
        (f"memory after {ROUNDS + 1} verdicts", found["memory"], "GB"),
        (f"memory after {VERDICTS} verdicts", found["memory after many"], "GB"),
    ]
    for what, value, unit in lines:
        print(f"{what:36}{value:8.2f} {unit}")


if __name__ == "__main__":
    main()
