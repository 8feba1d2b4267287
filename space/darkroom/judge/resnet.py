"""ResNet-18 built from d2l.ai's residual blocks, with one head for the label and one for the defects.

The head is a linear layer at every cell of the last feature map. That gives maps whose mean *is* the label's output,
as with "average pool, then linear", and a kind of damage answers with the mean over the cells of its map that show it
most: the class activation map is exact, not an estimate.

The head takes one number beside the pooled features: the frame's density span. The network's input is standardised by
it, so that a frame with next to nothing on it looks like any other.
"""

from typing import Any, NamedTuple

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

from ..taxonomy import DEFECTS, LABELS
from .network import GREY, SMALLEST_SPAN, UNIT, USUAL_SPAN, Network, most_telling

STAGES = ((2, 64), (2, 128), (2, 256), (2, 512))  # (residual blocks, channels)


def to_float(pictures: Tensor) -> Tensor:
    """`film.network_input` as stored, (N, 3, H, W) uint8, to what the network takes: float32 in −2…2."""
    return (pictures.float() - GREY) / UNIT


def contrast(span: Tensor) -> Tensor:
    """Density spans in D, (N,), in octaves from `USUAL_SPAN`, an input of the head."""
    return torch.log2(span.float().clamp(min=SMALLEST_SPAN) / USUAL_SPAN)


class Output(NamedTuple):
    """What one forward pass gives for N pictures; every entry is a logit.

    maps: (N, len(labels) + len(defects), h, w). label: (N, len(labels)), the means over the cells of its maps; defects:
    (N, len(defects)), the means over the `most_telling` cells of theirs. A cell covers a 32 × 32 patch of the input.
    """

    label: Tensor
    defects: Tensor
    maps: Tensor


class Residual(nn.Module):
    """Two 3 × 3 convolutions added to their own input (He et al. 2015, in d2l.ai's names).

    `conv3` is the 1 × 1 convolution on the bypass; it is there only where the block changes the resolution (`stride`)
    and so the number of channels. Without it the input is added as it is.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv3 = nn.Conv2d(in_channels, out_channels, 1, stride=stride) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, out_channels, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.conv3 is None else self.conv3(x)))


class ResNet18(nn.Module, PyTorchModelHubMixin):
    """The judge of negatives: (N, 3, H, W) network inputs and (N,) density spans in, `Output` of logits out.

    The constructor's arguments are the model's `config.json`.

    labels: names of the label classes; index 1 is "readable".
    defects: names of the kinds of damage, may be empty.
    input_size: pixels of the long side that `film.network_input` gives a picture. The network is fully convolutional:
    this is what it was trained for, and any other works.
    one_in: a kind of damage answers with the mean over one in so many cells of its map, those that show it most.
    calibration: what `calibration.Calibration` reads, fitted after training; plain JSON.
    gate: what tells a colour negative from other pictures, the numbers of `film.gate.Gate`; None asks nothing.
    """

    def __init__(
        self,
        *,
        labels: tuple[str, ...] = LABELS,
        defects: tuple[str, ...] = DEFECTS,
        input_size: int = 244,
        one_in: int = 1,
        calibration: dict[str, Any] | None = None,
        gate: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.labels, self.defects = tuple(labels), tuple(defects)
        self.input_size, self.one_in, self.calibration, self.gate = input_size, one_in, calibration, gate
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks, channels = [], STAGES[0][1]
        for stage, (count, out_channels) in enumerate(STAGES):
            for block in range(count):
                stride = 2 if stage and block == 0 else 1
                blocks.append(Residual(channels, out_channels, stride=stride))
                channels = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(channels + 1, len(self.labels) + len(self.defects))

    @classmethod
    def of(cls, network: Network) -> "ResNet18":
        """A model that was loaded, in torch, ready to judge."""
        model = cls(**network.config())
        model.load_state_dict({name: torch.from_numpy(weight) for name, weight in network.weights.items()})
        return model.eval()

    def network(self) -> Network:
        """The same for who runs it without torch; the weights are copied."""
        state = self.state_dict().items()
        weights = {name: (x.float() if x.is_floating_point() else x).cpu().numpy().copy() for name, x in state}
        config = (self.labels, self.defects, self.input_size, self.one_in, self.calibration, self.gate)
        return Network(weights, *config)

    def forward(self, x: Tensor, span: Tensor) -> Output:
        """(N, 3, H, W) as `to_float` gives them, and (N,) density spans in D, to logits."""
        features = self.blocks(self.stem(x))  # (N, 512, H / 32, W / 32)
        weight = self.head.weight[:, :-1, None, None]
        thin = contrast(span)[:, None] * self.head.weight[:, -1]  # (N, outputs), the same in every cell
        maps = F.conv2d(features, weight, self.head.bias) + thin[:, :, None, None]
        label, defects = torch.split(maps.flatten(2), [len(self.labels), len(self.defects)], dim=1)
        most = defects.topk(most_telling(defects.shape[2], self.one_in), dim=2, sorted=False).values
        return Output(label.mean(2), most.mean(2), maps)
