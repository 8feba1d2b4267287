"""Runs the network on the CPU, with ONNX Runtime: the measured best there (docs/benchmarks.md), and no torch is needed.

`network.onnx` is the graph of `resnet.ResNet18` without weights, `network.json` the names and shapes of these;
`python train/graph.py` writes both from the class, and a test holds them to it.
"""

import json
import os
from pathlib import Path
from weakref import WeakSet

import numpy as np
import onnxruntime

from .network import Network
from .prefetch import CORES

GRAPH = Path(__file__).with_name("network.onnx")
SHAPES = GRAPH.with_suffix(".json")
HEAD = ("head.weight", "head.bias")  # inputs of the graph: their size follows the kinds of damage that a model knows

Logits = tuple[np.ndarray, np.ndarray, np.ndarray]  # label, defects and maps, as in `resnet.Output`


class Runtime:
    """A network that is ready to run; safe to call from several threads. threads: that share the work on a picture.

    Safe to fork, too: a session has threads, which a forked process does not inherit, and without them it can neither
    run nor end. So a forked process keeps those of its parent for ever and makes sessions of its own.
    """

    def __init__(self, network: Network, threads: int = CORES):
        self.network, self.threads = network, threads
        self.head = {name: network.weights[name] for name in HEAD}
        self.started: onnxruntime.InferenceSession | None = None
        _RUNTIMES.add(self)

    @property
    def session(self) -> onnxruntime.InferenceSession:
        """The session of this process, started when it is first needed."""
        session = self.started = self.started or self._start()
        return session

    def _start(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors, which are raised as well
        options.intra_op_num_threads = self.threads
        # A thread that spins while it waits takes the core from whatever else runs on it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = self.network.weights
        names = [name for name in shapes() if name not in HEAD and weights[name].dtype == np.float32]
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in names]
        options.add_external_initializers(names, values)
        return onnxruntime.InferenceSession(GRAPH.read_bytes(), options, providers=["CPUExecutionProvider"])

    def __reduce__(self) -> tuple[type, tuple[Network, int]]:
        return Runtime, (self.network, self.threads)

    def __call__(self, pixels: np.ndarray, spans: np.ndarray) -> Logits:
        """Logits of N pictures. pixels: (N, 3, H, W) uint8, as `film.network_input` gives them; spans: (N,) D.

        One picture at a time: together they are no faster, and would take N times the memory.
        """
        found = []
        for i in range(len(pixels)):
            given = {"pixels": pixels[i : i + 1], "span": np.float32(spans[i : i + 1]), **self.head}
            found += self.session.run(["maps"], given)
        maps = np.concatenate(found)
        outputs = maps.mean(axis=(2, 3))
        known = len(self.network.labels)
        return outputs[:, :known], outputs[:, known:], maps


_RUNTIMES: WeakSet[Runtime] = WeakSet()
_INHERITED: list[onnxruntime.InferenceSession] = []


def _after_fork() -> None:
    for runtime in list(_RUNTIMES):
        if runtime.started:
            _INHERITED.append(runtime.started)
            runtime.started = None


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


def shapes() -> dict[str, list[int]]:
    """The shape of every weight, by its name; the first number of the head's is that of all kinds of damage known."""
    return json.loads(SHAPES.read_text(encoding="utf-8"))
