"""The bundled model judges the page's examples, in every way that users call it, as tests/bundled.json says.

When another model is bundled: `python bench/examples.py > tests/bundled.json`.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from gradio_client import handle_file
from huggingface_hub import HfApi

import examples
import score
from conftest import ROOT
from darkroom.film.scan import open_scan
from darkroom.frames.cut import only_frame
from darkroom.hub.weights import BUNDLED
from darkroom.judge.record import verdicts as verdicts_of
from darkroom.judge.resnet import ResNet18
from darkroom.judge.verdict import Judge, Verdict, load
from hub.bundle import export_onnx
from served import served

EXAMPLES = examples.EXAMPLES
EXPECTED = json.loads((ROOT / "tests/bundled.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bundled() -> Judge:
    return load()


@pytest.fixture(scope="module")
def verdicts(bundled: Judge) -> dict[str, Verdict]:
    return examples.verdicts(bundled)


@pytest.fixture(scope="module")
def library(verdicts) -> list[float]:
    """{example: p_normal from the library}."""
    return [verdict.p_normal for verdict in verdicts.values()]


def test_every_example_has_the_verdict_the_kind_and_the_probability_that_were_written_down(verdicts):
    said = {name: examples.brief(verdict) for name, verdict in verdicts.items()}
    assert said.keys() == EXPECTED.keys() and len(said) == 9
    for name, expected in EXPECTED.items():
        assert said[name] == expected | {"p_normal": pytest.approx(expected["p_normal"], abs=1e-3)}, name


def test_no_readable_example_is_called_damaged_and_no_damaged_one_readable():
    chances = {True: [], False: []}
    for name, said in EXPECTED.items():
        readable = name.startswith("readable")
        assert said["verdict"] != ("damaged" if readable else "readable"), name
        chances[readable].append(said["p_normal"])
    assert max(chances[False]) < np.median(chances[True])


def test_the_page_says_what_the_library_says(library, tmp_path):
    with served(tmp_path) as client:
        records = [client.predict(handle_file(path), 0.5, api_name="/judge")[1] for path in EXAMPLES]
    assert [record["p_normal"] for record in records] == pytest.approx(library, abs=1e-3)
    assert [record["verdict"] for record in records] == [EXPECTED[path.name]["verdict"] for path in EXAMPLES]


def test_scoring_says_what_the_library_says(library, tmp_path):
    assert score.main([str(EXAMPLES[0].parent), "--output", str(tmp_path / "verdicts.csv")]) == 0
    with (tmp_path / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["file"]).name for row in rows] == [path.name for path in EXAMPLES]
    assert [float(row["p_normal"]) for row in rows] == pytest.approx(library, abs=1e-3)


def test_the_onnx_file_says_what_the_library_says(bundled, library, tmp_path):
    import onnxruntime

    export_onnx(ResNet18.of(bundled.model), tmp_path / "model.onnx")
    prepared = [bundled.prepare(only_frame(open_scan(path))) for path in EXAMPLES]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    found = []
    for each in prepared:
        given = {"pixels": each.pixels[None], "span": np.array([each.evidence.density_span], np.float32)}
        output = session.run(None, given)
        found += verdicts_of([each.name], [each.evidence], output, bundled.model.defects, bundled.calibration)
    assert [verdict.p_normal for verdict in found] == pytest.approx(library, abs=1e-3)


def test_a_copy_from_the_hub_says_what_the_library_says_to_the_bit(library, logged_in):
    api = HfApi()
    api.create_repo("tester/bundled")
    commit = api.upload_folder(folder_path=BUNDLED, repo_id="tester/bundled").oid
    pulled = load(f"tester/bundled@{commit}")
    assert pulled.revision == commit and pulled.source == "tester/bundled"
    assert [verdict.p_normal for verdict in examples.verdicts(pulled).values()] == library
