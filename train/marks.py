"""Train the network that finds patches, spots and streaks: `space/darkroom/marks.safetensors`.

    python train/simulate.py data/simulated --photos photos --count 7000 --seed 1
    python train/marks.py data/simulated --minutes 6.4

It learns from two sorts of pairs (`train/twins.py`): damage put on the simulated frames that have none, other damage on
others all the time; and the simulator's own twins, whose damage the camera saw. What it then finds in the validation
split is printed. For a GPU and many cores: the cores make the pairs while the GPU learns from those there are.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from frames import measured
from metrics import ranked
from objective import of_maps
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm
from twins import Twins, scanned

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "space"))
from darkroom.cells import GRID  # noqa: E402
from darkroom.evidence import Film  # noqa: E402
from darkroom.marks import ANSWERS, FILE, KINDS, STRIDES, found_in, reduced, upright  # noqa: E402
from darkroom.resnet import DEFECTS, Residual  # noqa: E402

CHANNELS = (32, 48, 96, 160)  # at a half, a quarter, an eighth and a sixteenth of the resolution
PARTS = ("weight", "bias")
PAIRS, CAPTURED = 48, 12  # of a step: with damage put on, and as the simulated camera saw it
NEW, USES = 16, 8  # pairs that come to those kept, and the steps until others do
ENDLESS = 10**9
KEPT = 8192  # pairs, 10 GB of the GPU's memory
RATE, WARM, DECAY, SMOOTH = 3e-3, 0.05, 0.03, 0.998
LEAST = 0.2  # share of the picture that is film, in what is learnt from
SEED = 0
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

    def drawn(self, device: torch.device) -> Iterator[list[Tensor]]:
        """Again and again `CAPTURED` of the pairs, mirrored anew."""
        parts = [part.to(device) for part in (self.films, self.inside, self.share)]
        while True:
            rows = torch.randint(len(self.films), (CAPTURED,), device=device)
            yield _mirrored([part[rows] for part in parts])


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


def fit(captured: Captured, minutes: float) -> Network:
    """Train the network for so long. Returns it with the average of its last weights, on the CPU."""
    torch.manual_seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pairs, own_pairs = _kept(captured.sound, device), captured.drawn(device)
    network = Network().to(device, memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(SMOOTH), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    bar = tqdm(desc="Training", unit="step")
    films, inside, share = next(pairs)
    began = time.monotonic()
    while (done := (time.monotonic() - began) / (60 * minutes)) < 1:
        optimizer.param_groups[0]["lr"] = RATE * min(done / WARM, (1 + math.cos(math.pi * done)) / 2)
        own_films, own_inside, own_share = next(own_pairs)
        shown = scanned(torch.cat([films, own_films]), torch.cat([inside[:, None].expand(-1, 2, -1, -1), own_inside]))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            maps = network(shown.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        maps = maps.float().unflatten(0, (-1, 2))
        own = F.adaptive_max_pool2d(_joined(maps[len(films) :].flatten(0, 1)), GRID).unflatten(0, (-1, 2))
        value = _loss(maps[: len(films)], share) * len(films) / len(maps) + _loss(own, own_share) * len(own) / len(maps)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        bar.update()
        if bar.n % 50 == 1:
            bar.set_postfix(loss=f"{value.item():.2f}", refresh=False)
        films, inside, share = next(pairs)
    return average.module.to("cpu", memory_format=torch.contiguous_format).eval()


def _loss(maps: Tensor, share: Tensor) -> Tensor:
    """maps: (N, 2, K, h, w) of twins; share: (N, K, h, w) of the second, the first has no damage."""
    share = torch.stack([torch.zeros_like(share), share], 1)
    in_cells, of_peaks = of_maps(maps.flatten(0, 1), share.flatten(0, 1))
    return (in_cells + of_peaks).mean()


def _joined(answers: Tensor) -> Tensor:
    """`darkroom.marks.of_kinds` of many frames: (N, 4, …) -> (N, 3, …)."""
    patches, brown, streaks, clear = answers.unbind(1)
    return torch.stack([patches, torch.maximum(brown, clear), streaks], 1)


def _kept(sound: list[tuple[np.ndarray, np.ndarray]], device: torch.device) -> Iterator[list[Tensor]]:
    """Again and again `PAIRS` of the last `KEPT` pairs that `Twins` made, mirrored anew."""
    workers = max(1, (os.cpu_count() or 2) - 1)
    made = DataLoader(Twins(sound, ENDLESS), NEW, num_workers=workers, prefetch_factor=4)
    kept, count = None, 0
    for new in made:
        if kept is None:
            kept = [torch.empty(KEPT, *part.shape[1:], dtype=part.dtype, device=device) for part in new]
        places = torch.arange(count, count + NEW) % KEPT
        for whole, part in zip(kept, new, strict=True):
            whole[places.to(device)] = part.to(device, non_blocking=True)
        count += NEW
        if count < PAIRS:
            continue
        for _ in range(USES):
            rows = torch.randint(min(count, KEPT), (PAIRS,), device=device)
            yield _mirrored([part[rows] for part in kept])


def _mirrored(parts: list[Tensor]) -> list[Tensor]:
    axes = [axis for axis in (-1, -2) if torch.rand(()) < 0.5]
    return [part.flip(axes) for part in parts]


def told(net: dict[str, np.ndarray], rows: list[dict], frames: list[Frame]) -> str:
    """AUROC of each kind's strongest cell, frames with it against frames without any damage."""
    net = {name: tensor.astype(np.float32) for name, tensor in net.items()}
    found = np.stack([found_in(planes.astype(np.float32), inside, net) for planes, inside, _ in frames])
    sound = np.array([not any(row[kind] for kind in DEFECTS) for row in rows])
    peaks = zip(KINDS, found.max((2, 3)).T, strict=True)
    return "\n".join(ranked(kind, peak, np.array([row[kind] for row in rows], bool), sound) for kind, peak in peaks)


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
    net = fit(Captured(*train), args.minutes).tensors()
    save_file(net, FILE)
    print("AUROC of the strongest cell, frames of the validation split with the damage against sound ones:")
    print(told(net, *validation))


if __name__ == "__main__":
    main()
