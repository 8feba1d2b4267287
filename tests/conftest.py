"""What all tests share: the import path, a private Hugging Face home, tiny weights and a browser.

Everything is made here; nothing is downloaded and nothing outside the repository is read.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from hub import Hub

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "space"), str(ROOT / "train")]

# Read at import by the libraries, so set before any of them is imported. A home of our own keeps the user's token and
# cache out of the tests; one thread a process, because the processes already fill the cores.
HUB = Hub()  # nothing in the tests can reach the real one
HF_HOME = tempfile.mkdtemp(prefix="darkroom-hf-")
os.environ |= {
    "HF_HOME": HF_HOME,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_ENDPOINT": HUB.endpoint,
    "GRADIO_ANALYTICS_ENABLED": "False",
    "OMP_NUM_THREADS": "1",
    "ACCELERATE_USE_CPU": "true",
}
for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "MODEL_ID", "MODEL_REVISION"):
    os.environ.pop(name, None)

import pytest  # noqa: E402
import torch  # noqa: E402
from darkroom.resnet import ResNet18  # noqa: E402

torch.set_num_threads(1)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a browser its tests cannot run: at home say so and leave them out, in CI let them fail."""
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
    ResNet18(input_size=64).save_pretrained(folder)
    return folder
