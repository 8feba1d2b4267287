"""The page as a user starts it, and Gradio's client connected to it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio_client import Client

from conftest import ROOT


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Client]:
    """A client of `python space/app.py`, which runs within the `with` block; uploads and log go to `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment |= {"GRADIO_SERVER_PORT": port, "GRADIO_TEMP_DIR": str(folder / "uploads")}
    with (folder / "log").open("w") as log:
        app = [sys.executable, ROOT / "space/app.py"]
        page = subprocess.Popen(app, env=os.environ | environment, stdout=log, stderr=log)
    try:
        yield first_client(page, f"http://127.0.0.1:{port}")
    finally:
        page.terminate()
        page.wait(20)


def first_client(page: subprocess.Popen, url: str) -> Client:
    """A client of a page that is just starting."""
    until = time.monotonic() + 150
    while True:
        assert page.poll() is None and time.monotonic() < until, "the page did not start"
        try:
            urllib.request.urlopen(url).close()
            return Client(url, verbose=False)
        except OSError:
            time.sleep(0.5)
