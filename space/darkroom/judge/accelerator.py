"""Runs the network on a GPU, with torch, which has to be installed for that."""

import numpy as np
import torch

from .network import BATCH, Network
from .resnet import ResNet18, to_float
from .runtime import Logits


def accelerator() -> torch.device | None:
    """The accelerator of this machine, or None."""
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None


class Accelerated:
    """A network on `device`; called as `runtime.Runtime` is.

    It takes `BATCH` pictures at once, blank ones where there are fewer: what is said of a picture then does not depend,
    in the last bit, on how many came with it.
    """

    def __init__(self, network: Network, device: torch.device):
        self.model, self.device = ResNet18.of(network).to(device), device

    @torch.inference_mode()
    def __call__(self, pixels: np.ndarray, spans: np.ndarray) -> Logits:
        """Logits of N pictures (N, 3, H, W) uint8; spans: (N,) D."""
        found = []
        for start in range(0, len(pixels), BATCH):
            some = pixels[start : start + BATCH]
            batch = np.zeros((BATCH, *some.shape[1:]), np.uint8)
            span = np.ones(BATCH, np.float32)
            batch[: len(some)], span[: len(some)] = some, spans[start : start + BATCH]
            output = self.model(
                to_float(torch.from_numpy(batch).to(self.device)), torch.from_numpy(span).to(self.device)
            )
            found.append([part[: len(some)].float().cpu().numpy() for part in output])
        label, defects, maps = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return label, defects, maps
