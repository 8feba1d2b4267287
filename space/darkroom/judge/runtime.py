"""Runs the network on the CPU, with ncnn: the measured best there (docs/benchmarks.md), and no torch is needed.

`network.param` is the graph of `resnet.ResNet18` without weights and head, `network.json` the names and shapes of all
weights; `python train/graph.py` writes both from the class, and a test holds them to it.
"""

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from weakref import WeakSet

import ncnn
import numpy as np

from .network import GREY, SMALLEST_SPAN, UNIT, USUAL_SPAN, Network, most_telling
from .prefetch import CORES

GRAPH = Path(__file__).with_name("network.param")
SHAPES = GRAPH.with_suffix(".json")
HEAD = ("head.weight", "head.bias")  # their size follows the kinds of damage that a model knows
FOLDED = "+"  # in the graph: between the name of a convolution and that of the batch norm that is folded into it
EPSILON = 1e-5  # that torch's batch norms add to a variance
SINGLE = struct.pack("I", 0)  # says that single-precision numbers follow

Logits = tuple[np.ndarray, np.ndarray, np.ndarray]  # label, defects and maps, as in `resnet.Output`


class Runtime:
    """A network that is ready to run; safe to call from several threads. threads: that share the work on a picture.

    Safe to fork, too: a forked process has none of its parent's threads, and would wait for them: it starts anew, with
    one.
    """

    def __init__(self, network: Network, threads: int = CORES):
        self.network, self.threads = network, threads
        self.started: ncnn.Net | None = None
        self.starting = Lock()
        _RUNTIMES.add(self)

    @property
    def net(self) -> ncnn.Net:
        """Started when it is first needed, once however many threads need it."""
        with self.starting:
            net = self.started = self.started or self._start()
        return net

    def _start(self) -> ncnn.Net:
        net = ncnn.Net()
        net.opt.num_threads = 1 if _forked else self.threads
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.load_param(str(GRAPH))
        net.load_model_mem(b"".join(_written(self.network.weights)))
        return net

    def __reduce__(self) -> tuple[type, tuple[Network, int]]:
        return Runtime, (self.network, self.threads)

    def __call__(self, pixels: np.ndarray, spans: np.ndarray) -> Logits:
        """Logits of N pictures. pixels: (N, 3, H, W) uint8, as `film.network_input` gives them; spans: (N,) D.

        One picture at a time: together they are no faster, and would take N times the memory.
        """
        weight, bias = (self.network.weights[name] for name in HEAD)
        contrasts = np.log2(np.maximum(spans, SMALLEST_SPAN) / USUAL_SPAN)
        found = []
        for picture, contrast in zip(pixels, contrasts, strict=True):
            features = self._features(picture)
            thin = bias + contrast * weight[:, -1]
            # Not by BLAS, whose threads spin for a while after each use: the next picture would wait for them.
            found.append(np.einsum("kc,chw->khw", weight[:, :-1], features) + thin[:, None, None])
        maps = np.stack(found).astype(np.float32, copy=False)
        cells = maps.reshape(*maps.shape[:2], -1)
        label, defects = np.split(cells, [len(self.network.labels)], axis=1)
        most = most_telling(cells.shape[2], self.network.one_in)
        return label.mean(axis=2), np.partition(defects, -most, axis=2)[..., -most:].mean(axis=2), maps

    def _features(self, picture: np.ndarray) -> np.ndarray:
        """(512, H / 32, W / 32) of a picture (3, H, W) uint8."""
        given = np.array(picture, np.float32, order="C")
        given -= GREY
        given /= UNIT
        net = self.net
        running = net.create_extractor()
        running.input(net.input_names()[0], ncnn.Mat(given))  # which holds no pixels of its own
        failed, features = running.extract(net.output_names()[0])
        if failed:
            raise RuntimeError(f"ncnn cannot run the network on {picture.shape}: code {failed}")
        return np.array(features)


def _written(weights: dict[str, np.ndarray]) -> Iterator[bytes]:
    """The weights of the graph's convolutions as ncnn reads them, batch norms folded in."""
    for line in GRAPH.read_text(encoding="utf-8").splitlines():
        if not line.startswith("Convolution"):
            continue
        name, *folded = line.split()[1].split(FOLDED)
        weight = weights[f"{name}.weight"]
        if folded:
            scale, shift, mean, variance = (
                weights[f"{folded[0]}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = scale / np.sqrt(variance + EPSILON)
            weight, bias = weight * scale[:, None, None, None], shift - mean * scale
        else:
            bias = weights[f"{name}.bias"]
        yield SINGLE + weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes()


_RUNTIMES: WeakSet[Runtime] = WeakSet()
_forked = False


def _after_fork() -> None:
    global _forked
    _forked = True
    for runtime in list(_RUNTIMES):
        runtime.started = None  # its number of threads is fixed
        runtime.starting = Lock()  # a thread that held it is not here


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


def shapes() -> dict[str, list[int]]:
    """The shape of every weight, by its name; the first number of the head's is that of all kinds of damage known."""
    return json.loads(SHAPES.read_text(encoding="utf-8"))
