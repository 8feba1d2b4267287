"""Runs the network on a GPU, with torch, which has to be installed for that."""

import numpy as np
import torch

from .network import Network
from .resnet import ResNet18, to_float
from .runtime import Logits


def accelerator() -> torch.device | None:
    """The accelerator of this machine, or None."""
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None


class Accelerated:
    """A network on `device`; called as `runtime.Runtime` is, all pictures together."""

    def __init__(self, network: Network, device: torch.device):
        self.model, self.device = ResNet18.of(network).to(device), device

    @torch.inference_mode()
    def __call__(self, pixels: np.ndarray, spans: np.ndarray) -> Logits:
        """Logits of N pictures (N, 3, H, W) uint8; spans: (N,) D."""
        output = self.model(to_float(torch.from_numpy(pixels).to(self.device)), torch.tensor(spans, device=self.device))
        label, defects, maps = (part.float().cpu().numpy() for part in output)
        return label, defects, maps
