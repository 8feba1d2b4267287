"""Train the network that finds patches, spots and streaks: `space/darkroom/marks.safetensors`.

    python train/simulate.py data/simulated --photos photos --count 7000 --seed 1
    python train/marks.py data/simulated --minutes 6.4

It learns from two sorts of pairs (`train/twins.py`): damage put on the simulated frames that have none, other damage on
others all the time; and the simulator's own twins, whose damage the camera saw. What it then finds in the validation
split is printed. For a GPU and many cores: the cores make the pairs while the GPU learns from those there are.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from frames import measured
from learn import LEAST, answers, fit, mirrored, told
from objective import of_maps
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from twins import ENDLESS, Twins, inputs, retaken, standard

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "space"))
from darkroom.cells import GRID  # noqa: E402
from darkroom.film import Film  # noqa: E402
from darkroom.marks import ANSWERS, FILE, KINDS, STRIDES, found_in, reduced, upright  # noqa: E402
from darkroom.resnet import DEFECTS, Residual  # noqa: E402

CHANNELS = (32, 48, 96, 160)  # at a half, a quarter, an eighth and a sixteenth of the resolution
PARTS = ("weight", "bias")
CELLS = (16, 24)  # the network's answers
RATE, DECAY = 3e-3, 0.03
FOUND = [DEFECTS.index(kind) for kind in KINDS]
Frame = tuple[np.ndarray, np.ndarray, bool]


def look(film: Film) -> Frame:
    planes, inside = reduced(film.density, film.inside)
    return planes.astype(np.float16), inside, upright(film.inside)


class Captured:
    """The simulator's twins, the sound one first. films: (P, 2, 3, 256, 384) float16 D, inside: (P, 2, 256, 384) bool,
    share: (P, 3, 16, 16) how much of a cell each of `KINDS` covers in the second."""

    def __init__(self, rows: list[dict], frames: list[Frame]):
        whole = [k for k in range(0, len(frames) - 1, 2) if min(f[1].mean() for f in frames[k : k + 2]) > LEAST]
        self.films, self.inside = (
            torch.from_numpy(np.stack([[frames[k + 1][part], frames[k][part]] for k in whole])) for part in (0, 1)
        )
        cells = [np.array(rows[k]["defect_cells"], np.float32)[FOUND] for k in whole]
        turned = [np.rot90(one, 1, (1, 2)) if frames[k][2] else one for k, one in zip(whole, cells, strict=True)]
        self.share = torch.from_numpy(np.stack(turned))
        self.sound = [frames[k + 1][:2] for k in whole]


class Network(nn.Module):
    """`darkroom.marks.weigh` as a module, to be trained: (N, 6, 256, 384) in, (N, 4, 16, 24) log-odds out."""

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
        found = {"stem": _folded(self.stem[0], self.stem[1]), "head": (self.head.weight, self.head.bias)}
        for k, block in enumerate(self.blocks):
            for one in "12":
                found[f"blocks.{k}.conv{one}"] = _folded(getattr(block, f"conv{one}"), getattr(block, f"bn{one}"))
            if block.conv3 is not None:
                found[f"blocks.{k}.conv3"] = block.conv3.weight, block.conv3.bias
        both = {
            f"{name}.{part}": tensor for name, pair in found.items() for part, tensor in zip(PARTS, pair, strict=True)
        }
        return {name: tensor.detach().half().contiguous().numpy() for name, tensor in both.items()}


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what both do."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


def loss(network: Network, made: list[Tensor], captured: list[Tensor]) -> Tensor:
    """made: films, inside and share as `twins.Twins` has them; captured: as `Captured` has them."""
    (films, inside, share), (own_films, own_inside, own_share) = mirrored(made), mirrored(captured)
    pairs = torch.cat([films, own_films]), torch.cat([inside[:, None].expand(-1, 2, -1, -1), own_inside])
    maps = answers(network, shown(*pairs).flatten(0, 1)).float().unflatten(0, (-1, 2))
    own = F.adaptive_max_pool2d(_joined(maps[len(films) :].flatten(0, 1)), GRID).unflatten(0, (-1, 2))
    return (_loss(maps[: len(films)], share) * len(films) + _loss(own, own_share) * len(own)) / len(maps)


def shown(films: Tensor, inside: Tensor) -> Tensor:
    """What the network is shown of twins, (N, 2, 6, 256, 384), as another camera took them. films: (N, 2, 3, 256, 384)
    D, inside: (N, 2, 256, 384) bool."""
    return inputs(standard(retaken(films).flatten(0, 1), inside.flatten(0, 1))).unflatten(0, (-1, 2))


def _loss(maps: Tensor, share: Tensor) -> Tensor:
    """maps: (N, 2, K, h, w) of twins; share: (N, K, h, w) of the second, the first has no damage."""
    share = torch.stack([torch.zeros_like(share), share], 1)
    in_cells, of_peaks = of_maps(maps.flatten(0, 1), share.flatten(0, 1))
    return (in_cells + of_peaks).mean()


def _joined(answers: Tensor) -> Tensor:
    """`darkroom.marks.of_kinds` of many frames: (N, 4, …) -> (N, 3, …)."""
    patches, brown, streaks, clear = answers.unbind(1)
    return torch.stack([patches, torch.maximum(brown, clear), streaks], 1)


def strongest(net: dict[str, np.ndarray], frames: list[Frame]) -> np.ndarray:
    """(N, 3): the strongest cell of each of `KINDS` in each frame."""
    net = {name: tensor.astype(np.float32) for name, tensor in net.items()}
    return np.stack([found_in(planes.astype(np.float32), inside, net).max((1, 2)) for planes, inside, _ in frames])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="made by train/simulate.py")
    parser.add_argument("--minutes", type=float, default=7, help="how long to train")
    args = parser.parse_args()
    try:
        train, validation = (measured(args.data / split, look) for split in ("train", "validation"))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    captured = Captured(*train)
    made = Twins(captured.sound, ENDLESS, ANSWERS, CELLS)
    own = [captured.films, captured.inside, captured.share]
    net = fit(Network(), made, own, loss, args.minutes, rate=RATE, decay=DECAY).tensors()
    save_file(net, FILE)
    rows, frames = validation
    print(told(KINDS, strongest(net, frames), rows))


if __name__ == "__main__":
    main()
