"""The named endpoints, through the real client, plain curl and an MCP request."""

import base64
import io
import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest import ROOT, Server
from darkroom.scan import invert, open_scan
from darkroom.verdict import COLUMNS, load
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_judge_gives_the_probability_that_the_library_gives(client: Client, negative: Path, weights: Path):
    expected = load(weights).judge(open_scan(negative), prior=0.8)
    label, record = client.predict(handle_file(negative), 0.8, api_name="/judge")
    confidences = {each["label"]: each["confidence"] for each in label["confidences"]}
    assert confidences["readable"] == pytest.approx(expected.p_normal, abs=1e-5)
    assert record["file"] == "frame_07.jpg" and record["verdict"] == expected.verdict
    assert record["dye_removal"] == pytest.approx(expected.defects["dye_removal"], abs=1e-5)
    assert {each["defect"] for each in record["remedies"]} == {name for name, _ in expected.remedies}


def test_each_bad_file_is_refused_by_name_in_one_line(client: Client, bad_files: dict[str, Path], server: Server):
    for name, path in bad_files.items():
        with pytest.raises(AppError) as refusal:
            client.predict(handle_file(path), 0.5, api_name="/judge")
        message = str(refusal.value)
        assert message.endswith(path.suffix) is False and "\n" not in message and "/tmp" not in message
        assert name.lstrip("<b>").split(".")[0] in message
    assert "Traceback" not in server.log()


def test_judge_roll_gives_a_record_a_file_and_the_summary(client: Client, negative: Path, bad_files: dict[str, Path]):
    files = [handle_file(negative), handle_file(bad_files["empty.jpg"])]
    records, summary, table = client.predict(files, 0.5, api_name="/judge_roll")
    assert [record["file"] for record in records] == ["frame_07.jpg", "empty.jpg"]
    assert "the file is empty" in records[1]["error"] and not records[0]["error"]
    assert sum(summary["counts"].values()) == 2 and summary["counts"]["error"] == 1
    assert 0 <= summary["low"] <= summary["damaged_share"] <= summary["high"] <= 1
    assert Path(table).read_text().splitlines()[0] == ",".join(COLUMNS)
    _, summary, _ = client.predict(files[1:], 0.5, api_name="/judge_roll")
    assert summary == {"counts": {"readable": 0, "check": 0, "damaged": 0, "error": 1}}


@pytest.mark.parametrize("method", ["cvt2pos", "density"])
def test_invert_gives_the_positive_at_full_size_and_depth(client: Client, phone_photo: Path, method: str):
    path = client.predict(handle_file(phone_photo), method, "tiff", api_name="/invert")
    expected = np.rint(invert(open_scan(phone_photo).rgb, method) * 65535).astype(np.uint16)
    assert np.array_equal(tifffile.imread(path), expected)


@pytest.mark.parametrize("where", ["the page's own guide", "the readme"])
def test_the_documented_curl_commands_judge_a_frame(server: Server, negative: Path, where: str):
    from page.programs import GUIDE

    readme = (ROOT / "space" / "README.md").read_text().replace("http://127.0.0.1:7860", server.url.rstrip("/"))
    document = readme if where == "the readme" else GUIDE.format(url=server.url)
    lines = document.split("```bash\n")[1].split("```")[0].replace("@frame.jpg", f"@{negative}")
    answer = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, timeout=60).stdout
    data = json.loads(answer.split("data: ", 1)[1].splitlines()[0])
    assert data[1]["file"] == "frame_07.jpg" and 0 < data[1]["p_normal"] < 1


def mcp(server: Server, method: str, **params) -> dict:
    """The result of one MCP request."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(f"{server.url}gradio_api/mcp/", body, headers)
    with urllib.request.urlopen(request) as response:
        text = io.TextIOWrapper(response).read()
    (line,) = [line for line in text.splitlines() if line.startswith(("data: {", "{")) and '"result"' in line]
    return json.loads(line.removeprefix("data: "))["result"]


def test_an_mcp_client_finds_the_three_tools_and_gets_a_verdict(server: Server, negative: Path):
    named = {tool["name"]: tool for tool in mcp(server, "tools/list")["tools"]}
    assert len(named) == 3
    (judge,) = [name for name, tool in named.items() if "readable or damaged" in tool["description"]]
    picture, prior, light = named[judge]["inputSchema"]["properties"]
    assert light == "light"
    sent = "data:image/jpeg;base64," + base64.b64encode(negative.read_bytes()).decode()
    answer = mcp(server, "tools/call", name=judge, arguments={picture: sent, prior: 0.5})
    assert not answer.get("isError") and "p_normal" in str(answer["content"])


def test_the_documented_python_lines_judge_a_frame_a_roll_and_give_its_positive(
    server: Server, negative: Path, tmp_path: Path
):
    lines = (ROOT / "space" / "README.md").read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "frame.jpg").write_bytes(negative.read_bytes())
    with zipfile.ZipFile(tmp_path / "roll.zip", "w") as archive:
        archive.write(negative, "frame_07.jpg")
    lines = lines.replace("http://127.0.0.1:7860/", server.url)
    show = "\nprint(verdict['file'], len(records), summary['counts'], positive)"
    said = subprocess.run([sys.executable, "-c", lines + show], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "frame.jpg 1 {" in said.stdout and said.stdout.rstrip().endswith(".tif")
