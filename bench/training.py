"""Pictures a second of the training loop, against the bare steps that it is made of."""

import argparse
import io

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Dataset
from PIL import Image

from darkroom.judge.resnet import ResNet18, to_float
from learning.dataset import COLUMNS, collate, prepare_dataset
from learning.objective import losses
from learning.trainer import WEIGHT_DECAY, train_model


def rows(count: int, size: int) -> Dataset:
    """Small frames of noise, every other one readable, as `train/run.py` decodes them."""
    rng, images = np.random.default_rng(0), []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(rng.integers(60, 200, (size * 3 // 4, size, 3), dtype=np.uint8)).save(file, "PNG")
        images.append({"path": None, "bytes": file.getvalue()})
    labels = [n % 2 for n in range(count)]
    return prepare_dataset(Dataset.from_dict({"image": images, "name": [*map(str, labels)], "label": labels}), size)


class Loop:
    """The training loop, an epoch a call; between two epochs it judges two pictures, as validation."""

    def __init__(self, frames: Dataset, size: int, batch: int):
        self.frames, self.model = frames, ResNet18(defects=(), input_size=size)
        self.args = argparse.Namespace(epochs=1, patience=9, lr=1e-4, freeze=0, crop=0, seed=0, batch_size=batch)
        self.accelerator = Accelerator(cpu=True)

    def __call__(self) -> None:
        """Train an epoch."""
        train_model(
            self.accelerator, self.model, self.frames, self.frames.select([0, 1]), self.args, lambda record: None
        )


class Bare:
    """The same number of steps on one batch that lies ready: forward, loss, backward, update."""

    def __init__(self, frames: Dataset, size: int, batch: int):
        self.steps = len(frames) // batch
        self.model = ResNet18(defects=(), input_size=size).train().to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, weight_decay=WEIGHT_DECAY)
        self.batch = collate([frames.select_columns(COLUMNS)[n] for n in range(batch)])
        self.pictures = to_float(self.batch["pixels"]).contiguous(memory_format=torch.channels_last)

    def __call__(self) -> None:
        """As many steps as an epoch has."""
        for _ in range(self.steps):
            output = self.model(self.pictures, self.batch["span"])
            loss = losses(output, self.batch, kinds=(), weights=torch.ones(2)).mean()
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
