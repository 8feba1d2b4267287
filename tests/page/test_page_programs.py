"""The named endpoints, through the real client."""

from pathlib import Path

import pytest
from conftest import Server
from darkroom.scan import open_scan
from darkroom.verdict import load
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_judge_gives_the_probability_that_the_library_gives(client: Client, negative: Path, weights: Path):
    expected = load(weights).judge(open_scan(negative), prior=0.8)
    label, record = client.predict(handle_file(negative), 0.8, api_name="/judge")
    assert {c["label"]: c["confidence"] for c in label["confidences"]}["readable"] == pytest.approx(
        expected.p_normal, abs=1e-5
    )
    assert record["file"] == "frame_07.jpg" and record["verdict"] == expected.verdict
    assert record["dye_removal"] == pytest.approx(expected.defects["dye_removal"], abs=1e-5)


def test_judge_names_the_file_that_it_cannot_open(client: Client, tmp_path: Path, server: Server):
    empty = tmp_path / "empty.tif"
    empty.write_bytes(b"")
    with pytest.raises(AppError, match=r"^empty\.tif: the file is empty"):
        client.predict(handle_file(empty), 0.5, api_name="/judge")
