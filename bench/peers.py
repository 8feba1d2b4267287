"""What one would use instead, run for real: requirements-bench.txt installs it."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image

from darkroom.files.small import times_smaller
from darkroom.judge.network import Network
from darkroom.judge.prefetch import CORES
from darkroom.judge.resnet import ResNet18
from darkroom.judge.verdict import Judge
from hub.bundle import export_onnx

Shape = tuple[int, int]  # height and width of what a network is given


def floor(judge: Judge, path: Path, shape: Shape) -> Callable[[], object]:
    """The least that a verdict can take: decode at reduced scale, and the bare network, on whatever pixels."""
    pixels, span, data = np.zeros((1, 3, *shape), np.uint8), np.ones(1, np.float32), path.read_bytes()

    def run() -> object:
        with Image.open(io.BytesIO(data)) as image:
            times = min(times_smaller(*image.size), 8)
            image.draft("RGB", (image.width // times, image.height // times))
            image.load()
        return judge.run(pixels, span)

    return run


def pipeline(shape: Shape) -> Callable[..., object]:
    """The image classification of transformers with a ResNet-18 of random weights, made here."""
    from transformers import ResNetConfig, ResNetForImageClassification, ViTImageProcessor
    from transformers import pipeline as transformers_pipeline

    config = ResNetConfig(layer_type="basic", hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2])
    torch.manual_seed(0)
    model = ResNetForImageClassification(config).eval()
    processor = ViTImageProcessor(size={"height": shape[0], "width": shape[1]})
    return transformers_pipeline("image-classification", model=model, image_processor=processor)


def resnet18(count: int, shape: Shape) -> Callable[[], object]:
    """The network of torchvision, eager, on `count` pictures at once."""
    model, pictures = torchvision.models.resnet18().eval(), torch.randn(count, 3, *shape)

    @torch.inference_mode()
    def run() -> object:
        return model(pictures)

    return run


def onnx_runtime(network: Network, shape: Shape) -> Callable[[], object]:
    """The same network in ONNX Runtime, on one picture; its threads do not spin on into our turn."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        export_onnx(ResNet18.of(network), Path(folder, "model.onnx"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = CORES
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(Path(folder, "model.onnx"), options)
    given = {"pixels": np.zeros((1, 3, *shape), np.uint8), "span": np.ones(1, np.float32)}
    return lambda: session.run(None, given)


def opencv(negative: np.ndarray, denoise: bool = False) -> np.ndarray:
    """The conversion by which the labels were given, in OpenCV: (H, W, 3) uint8 in and out. denoise: it took noise out
    as well, and threw the result away."""
    import cv2

    stretched = np.empty_like(negative)
    for c in range(3):
        low, high = np.percentile(negative[..., c], (1, 99))
        values = np.clip((negative[..., c].astype(np.float32) - low) / (high - low), 0, 1)
        stretched[..., c] = ((1 - values) * 255).astype(np.uint8)
    means = np.array(cv2.mean(stretched)[:3])
    balanced = stretched.astype(np.float32) * (means.mean() / means).astype(np.float32)
    if denoise:
        cv2.fastNlMeansDenoisingColored(np.clip(balanced, 0, 255).astype(np.uint8), None, 10, 10, 7, 21)
    return np.clip(np.rint(cv2.GaussianBlur(balanced, (5, 5), 0)), 0, 255).astype(np.uint8)
