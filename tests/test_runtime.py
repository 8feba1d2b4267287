"""However the network is run, it is one network: one class, one graph, the same verdicts on the same files."""

import gc
import inspect
import os
import pickle
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest
import torch

import examples
import graph
from darkroom.judge import accelerator
from darkroom.judge.accelerator import Accelerated
from darkroom.judge.network import Network
from darkroom.judge.resnet import ResNet18, to_float
from darkroom.judge.runtime import GRAPH, Runtime, shapes
from darkroom.judge.verdict import Judge, load
from darkroom.taxonomy import DEFECTS


@pytest.fixture(scope="module")
def model() -> ResNet18:
    """With statistics that are not those of a new network, so that a batch norm that was lost would show."""
    torch.manual_seed(0)
    model = ResNet18(input_size=64)
    for name, tensor in model.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    return model.eval()


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (3, 3, 64, 96), dtype=np.uint8), np.float32([0.01, 0.3, 0.9])


def by_torch(model: ResNet18, pixels: np.ndarray, spans: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        return [part.numpy() for part in model(to_float(torch.from_numpy(pixels)), torch.from_numpy(spans))]


def test_the_graph_is_the_one_that_the_class_gives():
    assert GRAPH.read_text(encoding="utf-8") == graph.graph()
    assert shapes() == graph.shapes()


@pytest.mark.parametrize(("kinds", "one_in"), [(DEFECTS, 1), (DEFECTS[:2], 4), ((), 10)])
def test_the_runtime_says_what_the_class_says(model, pictures, kinds, one_in):
    one = ResNet18(defects=kinds, input_size=64, one_in=one_in)
    rows = slice(0, 2 + len(kinds))
    state = model.state_dict()
    one.load_state_dict(state | {name: state[name][rows] for name in ("head.weight", "head.bias")})
    for found, expected in zip(Runtime(one.network())(*pictures), by_torch(one.eval(), *pictures), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2e-4, rtol=1e-4)


def test_an_accelerator_says_what_the_processor_says(model, pictures):
    on_device = Accelerated(model.network(), torch.device("cpu"))
    for found, expected in zip(on_device(*pictures), by_torch(model, *pictures), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_network_and_its_class_are_described_alike_and_become_one_another(model):
    stated = {name: each.default for name, each in inspect.signature(ResNet18).parameters.items()}
    assert stated == {each.name: each.default for each in fields(Network) if each.name != "weights"}
    again = ResNet18.of(model.network())
    assert again.input_size == 64 and again.defects == model.defects
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in again.state_dict().items())


def test_a_judge_of_one_core_says_the_same_and_starts_once_for_all_threads(model, pictures, monkeypatch):
    judge, begun = Judge(model.network()), []

    def slowly(runtime: Runtime, start=Runtime._start):
        begun.append(runtime.threads)
        time.sleep(0.2)
        return start(runtime)

    monkeypatch.setattr(Runtime, "_start", slowly)
    assert judge.one_core is judge.one_core
    with ThreadPoolExecutor(4) as pool:
        every = [*pool.map(lambda _: judge.one_core.run(*pictures), range(4))]
    assert begun == [1]
    for found in every:
        for part, expected in zip(found, judge.run(*pictures), strict=True):
            np.testing.assert_allclose(part, expected, atol=1e-5)


def test_with_an_accelerator_there_is_one_judge(model):
    judge = Judge(model.network())
    judge.accelerate(torch.device("cpu"))
    assert judge.one_core is judge


def test_a_judge_can_be_sent_to_another_process(model, pictures):
    judge = Judge(model.network())
    sent = pickle.loads(pickle.dumps(judge))
    for found, expected in zip(sent.run(*pictures), judge.run(*pictures), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_judges_and_ends(model, pictures):
    """Its parent's threads are not there, and neither they nor rubbish that had them may be waited for."""
    kept, dropped = Runtime(model.network()), Runtime(model.network())
    expected = kept(*pictures)
    dropped(*pictures)
    rubbish = [dropped]
    rubbish.append(rubbish)
    del dropped, rubbish
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            gc.collect()
            code = int(not all(np.array_equal(*pair) for pair in zip(kept(*pictures), expected, strict=True)))
        finally:
            os._exit(code)
    deadline = time.monotonic() + 60
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.05)
    if not ended[0]:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert ended[0] and os.waitstatus_to_exitcode(ended[1]) == 0


def test_the_bundled_model_gives_the_same_verdicts_by_torch(monkeypatch):
    monkeypatch.setattr(accelerator, "BATCH", 1)  # on a processor each blank picture takes as long as a picture
    judge = load()
    by_runtime = examples.verdicts(judge)
    judge.accelerate(torch.device("cpu"))
    for name, verdict in examples.verdicts(judge).items():
        assert verdict.verdict == by_runtime[name].verdict
        assert verdict.p_normal == pytest.approx(by_runtime[name].p_normal, abs=1e-4)
        np.testing.assert_allclose(verdict.heat, by_runtime[name].heat, atol=1e-3)
