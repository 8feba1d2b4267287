"""The named endpoints, through the real client, plain curl and an MCP request."""

import base64
import csv
import io
import json
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import expect

import film
from conftest import ROOT, WIDE, Server, drop, visit
from darkroom.film.inversion import invert
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut, cut_out
from darkroom.judge.resnet import DEFECTS
from darkroom.judge.verdict import COLUMNS, load
from proxy import Proxy
from test_cut import coded, strip_picture

SUB_PATH = "/film/strips"


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture(scope="module")
def behind_sub_path(weights: Path, tmp_path_factory) -> Iterator[Server]:
    """The page, configured for a proxy that serves it below `SUB_PATH`."""
    server = Server(weights, tmp_path_factory.mktemp("sub_path"), GRADIO_ROOT_PATH=SUB_PATH)
    yield server
    server.stop()


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


def test_light_is_said_to_each_endpoint(client: Client, thin: list[Path]):
    for light, empty in (("auto", False), ("linear", True)):
        _, record = client.predict(handle_file(thin[0]), 0.5, light, api_name="/judge")
        records, _, _ = client.predict([handle_file(path) for path in thin], 0.5, light, api_name="/judge_roll")
        assert [("holds nothing" in each["reason"]) for each in (record, *records)] == [empty] * 3
        assert f"Read as {'linear' if empty else 'coded'} light" in record["note"]
        positive = tifffile.imread(client.predict(handle_file(thin[0]), "cvt2pos", "tiff", light, api_name="/invert"))
        assert np.array_equal(positive, np.rint(invert(open_scan(thin[0], light=light).rgb) * 65535))


def test_of_a_file_of_two_frames_judge_says_which_it_judged_and_judge_roll_judges_both(
    client: Client, strip: Path, weights: Path
):
    expected = [load(weights).judge(open_scan(strip, number=number)).p_normal for number in (0, 1)]
    _, record = client.predict(handle_file(strip), 0.5, api_name="/judge")
    assert record["note"] == "The file holds 2 frames; this is the first. By /judge_roll all of them are judged."
    assert record["p_normal"] == pytest.approx(expected[0], abs=1e-5)
    records, _, _ = client.predict([handle_file(strip)], 0.5, api_name="/judge_roll")
    assert [each["file"] for each in records] == ["strip.tif#1", "strip.tif#2"]
    assert [each["p_normal"] for each in records] == pytest.approx(expected, abs=1e-5)


def test_judge_frames_gives_a_record_a_frame_and_takes_corners(client: Client, negative: Path, weights: Path, tmp_path):
    light, _ = strip_picture(3)
    Image.fromarray(coded(light)).save(tmp_path / "strip.jpg", quality=95, subsampling=0)
    sent, judge = handle_file(tmp_path / "strip.jpg"), load(weights)
    frames = cut(open_scan(tmp_path / "strip.jpg", "strip.jpg"))
    records = client.predict(sent, 0.5, api_name="/judge_frames")
    assert [each["file"] for each in records] == ["strip.jpg#1", "strip.jpg#2", "strip.jpg#3"]
    assert [each["p_normal"] for each in records] == pytest.approx([judge.judge(f).p_normal for f in frames], abs=1e-5)
    assert np.allclose([each["corners"] for each in records], [frame.polygon for frame in frames], atol=1e-4)
    mine = [(0.02 * frames[1].polygon.mean(axis=0) + 0.98 * frames[1].polygon).tolist()]
    (record,) = client.predict(sent, 0.5, "auto", mine, api_name="/judge_frames")
    (expected,) = cut_out(open_scan(tmp_path / "strip.jpg", "strip.jpg"), [np.array(mine[0])])
    assert record["file"] == "strip.jpg"
    assert record["p_normal"] == pytest.approx(judge.judge(expected).p_normal, abs=1e-5)
    (alone,) = client.predict(handle_file(negative), 0.5, api_name="/judge_frames")
    assert alone["file"] == negative.name and alone["corners"] is None
    _, whole = client.predict(sent, 0.5, api_name="/judge")
    assert whole["note"] == "It holds 3 frames; /judge_frames judges each."
    for corners, why in (([[0, 1]], "corners are four"), ([[[0.5, 0.5]] * 4], "its outline holds no frame")):
        with pytest.raises(AppError, match=why):
            client.predict(sent, 0.5, "auto", corners, api_name="/judge_frames")
    records, _, _ = client.predict([sent, handle_file(negative)], 0.5, api_name="/judge_roll")
    assert [each["file"] for each in records] == ["strip.jpg#1", "strip.jpg#2", "strip.jpg#3", negative.name]


def test_what_is_no_colour_negative_has_no_probability_and_counts_in_no_share(
    client: Client, negative: Path, unlike_film: dict[str, Path]
):
    letter, frame = handle_file(unlike_film["letter"]), handle_file(negative)
    label, record = client.predict(letter, 0.5, api_name="/judge")
    assert not label.get("confidences") and record["verdict"] == "check" and record["not_negative"] == "page"
    assert "page of text" in record["reason"] and record["remedies"] == []
    assert not any(record[column] for column in ("p_normal", "confidence", *DEFECTS, "note", "error"))
    (of_frame, of_letter), summary, table = client.predict([frame, letter], 0.5, api_name="/judge_roll")
    assert summary["damaged_share"] == pytest.approx(1 - of_frame["p_normal"]) and of_letter["p_normal"] is None
    assert summary["counts"]["check"] == 1 + (of_frame["verdict"] == "check")
    (row,) = [row for row in csv.DictReader(io.StringIO(Path(table).read_text())) if row["file"] == "letter.png"]
    assert row["not_negative"] == "page" and row["p_normal"] == "" and row["reason"] == record["reason"]
    _, summary, _ = client.predict([letter], 0.5, api_name="/judge_roll")
    assert summary == {"counts": {"readable": 0, "check": 1, "damaged": 0, "error": 0}}


def test_a_frame_that_holds_nothing_is_damaged(client: Client, unlike_film: dict[str, Path]):
    label, record = client.predict(handle_file(unlike_film["black"]), 0.5, api_name="/judge")
    assert label["label"] == "damaged" == record["verdict"] and "holds nothing" in record["reason"]
    assert record["not_negative"] == "" and record["remedies"][0]["defect"] == "blank_area"


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_the_positive_of_a_grey_or_cmyk_file_has_none_of_its_profile(client: Client, tmp_path: Path, mode: str):
    profile = bytearray(imagecodecs.cms_profile("gray"))
    profile[16:20] = {"L": b"GRAY", "CMYK": b"CMYK"}[mode]
    source = tmp_path / f"{mode}.jpg"
    Image.fromarray(film.eight_bit(film.frame())).convert(mode).save(source, icc_profile=bytes(profile))
    for kind in ("jpeg", "tiff"):
        with Image.open(client.predict(handle_file(source), "cvt2pos", kind, api_name="/invert")) as positive:
            assert positive.mode == "RGB" and "icc_profile" not in positive.info


@pytest.mark.browser
@pytest.mark.parametrize("forwarded", [True, False], ids=["X-Forwarded-Host", "Host"])
def test_behind_a_proxy_the_guide_names_the_sub_path_and_its_commands_work(
    behind_sub_path: Server, browser, negative: Path, forwarded: bool
):
    proxy = Proxy(behind_sub_path.port, SUB_PATH, forwarded)
    try:
        for page in visit(browser, proxy.url, viewport=WIDE):
            page.get_by_role("tab", name="For programs").click()
            guide = page.locator("#guide")
            expect(guide).to_contain_text(f'Client("{proxy.url}")')
            expect(guide).to_contain_text(f"{proxy.url}gradio_api/mcp/")
            assert set(re.findall(r"https?://[^/]+/\w*", guide.inner_text())) == {proxy.url.split("strips")[0][:-1]}
            commands = guide.locator("code", has_text="curl").inner_text()
            page.get_by_role("tab", name="One frame").click()
            drop(page, negative)
            expect(page.locator(".verdict .edge")).to_have_text("frame_07.jpg")
        answer = json.loads(by_curl(commands, negative))
        assert answer[1]["file"] == "frame_07.jpg" and 0 < answer[1]["p_normal"] < 1
        _, record = Client(proxy.url, verbose=False).predict(handle_file(negative), 0.5, api_name="/judge")
        assert record["p_normal"] == pytest.approx(answer[1]["p_normal"])
    finally:
        proxy.stop()


def by_curl(commands: str, picture: Path) -> str:
    """The data that the last of the commands prints, for this picture."""
    lines = commands.replace("@frame.jpg", f"@{picture}")
    answer = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, timeout=60).stdout
    return answer.split("data: ", 1)[1].splitlines()[0]


@pytest.mark.parametrize("where", ["the page's own guide", "the readme"])
def test_the_documented_curl_commands_judge_a_frame(server: Server, negative: Path, where: str):
    from page.programs import GUIDE

    readme = (ROOT / "space" / "README.md").read_text().replace("http://127.0.0.1:7860", server.url.rstrip("/"))
    document = readme if where == "the readme" else GUIDE.format(url=server.url)
    data = json.loads(by_curl(document.split("```bash\n")[1].split("```")[0], negative))
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


def test_an_mcp_client_finds_the_four_tools_and_gets_a_verdict(server: Server, negative: Path):
    named = {tool["name"]: tool for tool in mcp(server, "tools/list")["tools"]}
    assert len(named) == 4
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
