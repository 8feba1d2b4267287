"""The bundled model, by the road that users take: the examples beside the page, judged."""

import numpy as np
import pytest
import torch
from conftest import ROOT
from darkroom.resnet import to_float
from darkroom.scan import open_scan
from darkroom.verdict import Judge, load

EXAMPLES = {path.stem: path for path in sorted((ROOT / "space/examples").glob("*.jpg"))}


@pytest.fixture(scope="module")
def bundled() -> Judge:
    return load()


def test_every_example_is_judged_and_no_readable_one_is_called_damaged(bundled):
    verdicts = {name: bundled.judge(open_scan(path)) for name, path in EXAMPLES.items()}
    assert len(verdicts) == 9
    for name, verdict in verdicts.items():
        if name.startswith("readable"):
            assert verdict.verdict != "damaged", name
        else:
            assert verdict.verdict != "readable", name
    damaged = [v.p_normal for name, v in verdicts.items() if not name.startswith("readable")]
    sound = [v.p_normal for name, v in verdicts.items() if name.startswith("readable")]
    assert max(damaged) < np.median(sound)


def test_the_onnx_file_of_the_bundled_network_says_the_same(bundled, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from bundle import export_onnx

    export_onnx(bundled.model, tmp_path / "model.onnx")
    prepared = bundled.prepare(open_scan(EXAMPLES["holes"]))
    given = {"pixels": prepared.pixels[None], "span": np.array([prepared.evidence.density_span], np.float32)}
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    with torch.inference_mode():
        expected = bundled.model(to_float(torch.from_numpy(given["pixels"])), torch.from_numpy(given["span"]))
    for got, want in zip(session.run(None, given), expected, strict=True):
        np.testing.assert_allclose(got, want.numpy(), atol=2e-3)
