"""Train the network that finds patches, spots and streaks: `space/darkroom/marks.safetensors`.

    python train/simulate.py data/simulated --photos photos --count 8000 --seed 1
    python train/marks.py data/simulated

Of the simulated frames only the film is used: every step puts other damage on other frames, and the network sees each
frame with and without it. What it then finds in the validation split, where the simulator put the damage on before
the camera saw the film, is printed.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import torch
from damage import DAMAGE
from frames import measured
from metrics import ranked
from objective import of_maps
from safetensors.numpy import save_file
from sight import placed
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "space"))
from darkroom.evidence import Film  # noqa: E402
from darkroom.marks import FILE, KINDS, STRIDES, inputs, reduced, standard, weigh  # noqa: E402
from darkroom.resnet import DEFECTS, Residual  # noqa: E402

HIDING = (*KINDS, "noise", "blank_area")  # frames with these are not damaged anew: there would be little to see
OFTEN = 0.5  # how often a frame gets each kind
CHANNELS = (16, 32, 64)  # at a half, a quarter and an eighth of the resolution
CELLS = (16, 24)  # the network's answers
SEVERITIES = (0.3, 3.0)
GAIN = (0.75, 1.35)  # contrast that a frame is given, and by how much more or less a layer
LAYER_GAIN = 0.08
PARTS = ("weight", "bias")
STEPS, PAIRS = 5000, 16
RATE, DECAY, SMOOTH = 3e-3, 0.02, 0.997
SEED = 0


def look(film: Film) -> tuple[np.ndarray, np.ndarray]:
    planes, inside = reduced(film.density, film.inside)
    return planes.astype(np.float16), inside


class Twins(Dataset):
    """Frames without and with damage, always others: item `i` is what the network takes, (2, 6, 128, 192), and how
    much of each cell each of `KINDS` visibly covers, (2, 3, 16, 24). The same `i` is always the same."""

    def __init__(self, frames: list[tuple[np.ndarray, np.ndarray]], count: int):
        self.frames, self.count = frames, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((SEED, i))
        seen = np.zeros(0)
        while not seen.any():
            planes, inside = self.frames[rng.integers(len(self.frames))]
            flips = tuple(slice(None, None, int(step)) for step in rng.choice([-1, 1], 2))
            density, inside = np.moveaxis(planes, 0, -1).astype(np.float32)[flips], inside[flips]
            density = density * rng.uniform(*GAIN) * np.exp(rng.normal(0, LAYER_GAIN, 3)).astype(np.float32)
            damaged, seen = _marked(density, inside, rng)
        damaged = np.where(inside[..., None], damaged, density)
        twins = [inputs(standard(np.moveaxis(frame, -1, 0), inside)) for frame in (density, damaged)]
        share = F.adaptive_max_pool2d(torch.from_numpy(np.stack([np.zeros_like(seen), seen])), CELLS)
        return torch.from_numpy(np.stack(twins)), share


def _marked(density: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The frame (h, w, 3) with some of `KINDS`, as far as they can be seen in it, and (3, h, w) where they are."""
    base = np.percentile(density[inside] if inside.any() else density, 1, axis=0)
    seen = np.zeros((len(KINDS), *inside.shape), np.float32)
    for k, kind in enumerate(KINDS):
        if rng.random() < OFTEN:
            density, seen[k] = placed(DAMAGE[kind], density, base, rng.uniform(*SEVERITIES), rng, inside)
    return density, seen


class Network(nn.Module):
    """`darkroom.marks.weigh` as a module, to be trained: (N, 6, 128, 192) in, (N, 3, 16, 24) log-odds out."""

    def __init__(self):
        super().__init__()
        channels = CHANNELS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(6, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        blocks = []
        for stride in STRIDES:
            wider = CHANNELS[CHANNELS.index(channels) + stride - 1]
            blocks.append(Residual(channels, wider, stride=stride))
            channels = wider
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(channels, len(KINDS), 1)

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
        return {name: tensor.detach().half().numpy() for name, tensor in both.items()}


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what both do."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


def fit(frames: list[tuple[np.ndarray, np.ndarray]]) -> Network:
    """Train the network on `frames` of film without such damage. Returns it with the average of its last weights."""
    torch.manual_seed(SEED)
    network = Network().to(memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(SMOOTH), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.05)
    twins = DataLoader(Twins(frames, STEPS * PAIRS), PAIRS, num_workers=1, prefetch_factor=4)
    bar = tqdm(twins, desc="Training", unit="step")
    for planes, share in bar:
        in_cells, of_peaks = of_maps(network(planes.flatten(0, 1)), share.flatten(0, 1))
        value = (in_cells + of_peaks).mean()
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rate.step()
        average.update_parameters(network)
        bar.set_postfix(loss=f"{value.item():.2f}", refresh=False)
    return average.module.to(memory_format=torch.contiguous_format).eval()


def told(net: dict[str, np.ndarray], rows: list[dict], frames: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """AUROC of each kind's strongest cell, frames with it against frames without any damage."""
    net = {name: tensor.astype(np.float32) for name, tensor in net.items()}
    found = np.stack([weigh(inputs(standard(planes.astype(np.float32), film)), net) for planes, film in frames])
    sound = np.array([not any(row[kind] for kind in DEFECTS) for row in rows])
    peaks = zip(KINDS, found.max((2, 3)).T, strict=True)
    return "\n".join(ranked(kind, peak, np.array([row[kind] for row in rows], bool), sound) for kind, peak in peaks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="made by train/simulate.py")
    args = parser.parse_args()
    try:
        (rows, frames), validation = (measured(args.data / split, look) for split in ("train", "validation"))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))  # a core is left to the process that makes the twins
    plain = [frame for row, frame in zip(rows, frames, strict=True) if not any(row[kind] for kind in HIDING)]
    net = fit(plain).tensors()
    save_file(net, FILE)
    print("AUROC of the strongest cell, frames of the validation split with the damage against sound ones:")
    print(told(net, *validation))


if __name__ == "__main__":
    main()
