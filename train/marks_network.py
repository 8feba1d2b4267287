"""The network of `darkroom.marks` as a module, to be trained, and to go on from weights as they are stored."""

import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.marks import ANSWERS, STRIDES  # noqa: E402
from darkroom.resnet import Residual  # noqa: E402

CHANNELS = (32, 48, 96, 160)  # at a half, a quarter, an eighth and a sixteenth of the resolution
PARTS = ("weight", "bias")
KEPT = 0.15  # share of the weights it went on from in those of a network
AT_ONCE = 16  # pictures by which normalisations are stated
HELD = 6  # residual blocks that stay as they are where some answers learn further


class MarksNetwork(nn.Module):
    """`darkroom.marks.weigh` as a module, to be trained: (N, 6, 256, 384) in, (N, 6, 16, 24) log-odds out."""

    def __init__(self):
        super().__init__()
        channels = CHANNELS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(6, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        blocks, level = [], 0
        for stride in STRIDES:
            level += stride - 1
            blocks.append(Residual(channels, CHANNELS[level], stride=stride))
            channels = CHANNELS[level]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(channels, len(ANSWERS), 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)))

    def tensors(self) -> dict[str, np.ndarray]:
        """What `darkroom.marks.weigh` takes: as this network answers in `eval`, float16."""
        both = {
            f"{name}.{part}": tensor
            for name, *layers in self._convolutions()
            for part, tensor in zip(PARTS, _folded(*layers), strict=True)
        }
        return {name: tensor.detach().half().contiguous().numpy() for name, tensor in both.items()}

    def fitting(self, net: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`net`, if it is such as `tensors` gives; otherwise raises ValueError."""
        if {name: one.shape for name, one in net.items()} != {name: one.shape for name, one in self.tensors().items()}:
            raise ValueError("not the weights of marks, or of marks with other answers")
        return net

    def go_on(self, net: dict[str, np.ndarray], shown: Tensor) -> None:
        """Begin from `net`, that `tensors` gave. Its normalisations are part of its convolutions; each is set so that
        among the pictures `shown`, (N, 6, 256, 384), it changes nothing."""
        hooks = []
        for name, convolution, norm in self._convolutions():
            weight, bias = (torch.from_numpy(net[f"{name}.{part}"].astype(np.float32)) for part in PARTS)
            convolution.weight.data = weight
            if norm is None:
                convolution.bias.data = bias
            else:
                hooks.append(norm.register_forward_pre_hook(partial(_undone, bias=bias)))
        with torch.no_grad():
            self.train()(shown)
        for hook in hooks:
            hook.remove()

    def _convolutions(self) -> Iterator[tuple[str, nn.Conv2d, nn.BatchNorm2d | None]]:
        """Name in `tensors`, and the normalisation that follows, where one does."""
        yield "stem", self.stem[0], self.stem[1]
        for k, block in enumerate(self.blocks):
            yield f"blocks.{k}.conv1", block.conv1, block.bn1
            yield f"blocks.{k}.conv2", block.conv2, block.bn2
            if block.conv3 is not None:
                yield f"blocks.{k}.conv3", block.conv3, None
        yield "head", self.head, None


class Held(nn.Module):
    """A network of which what follows its first blocks learns further, beside itself as it was: it is to keep what it
    says of all but some kinds of damage (Li and Hoiem 2016, learning without forgetting)."""

    def __init__(self, network: MarksNetwork):
        super().__init__()
        self.network, self.before = network.eval(), deepcopy(network).eval().requires_grad_(False)
        self.network.stem.requires_grad_(False)
        self.network.blocks[:HELD].requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 6, 256, 384) in; log-odds as they become, and as they were, (N, 6, 16, 24) each."""
        x = self.before.blocks[:HELD](self.before.stem(x))
        return tuple(one.head(one.blocks[HELD:](x)) for one in (self.network, self.before))


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what both do."""
    if norm is None:
        return convolution.weight, convolution.bias
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


def _undone(norm: nn.BatchNorm2d, given: tuple[Tensor], bias: Tensor) -> None:
    """Before it is called: let a normalisation add `bias` to what it is given, and change nothing else."""
    variance, mean = torch.var_mean(given[0], (0, 2, 3), unbiased=False)
    norm.weight.data, norm.bias.data = torch.sqrt(variance + norm.eps), mean + bias
    norm.running_mean, norm.running_var = mean, variance


@torch.no_grad()
def mixed(before: MarksNetwork, after: MarksNetwork, shown: Tensor) -> MarksNetwork:
    """What `after` became from `before`, with a share of `before` in its weights: a mean of both errs less on film that
    is unlike the simulated (Wortsman et al. 2022; docs/experiments.md). Its normalisations are stated anew by the
    pictures `shown`, (N, 6, 256, 384)."""
    for new, old in zip(after.parameters(), before.parameters(), strict=True):
        new.lerp_(old, KEPT)
    update_bn(shown.split(AT_ONCE), after)
    return after.eval()
