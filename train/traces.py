"""Fit the small network that finds damage cell by cell: `space/darkroom/traces.safetensors`.

    python train/simulate.py data/simulated --photos photos --count 8000 --seed 1
    python train/traces.py data/simulated

Every frame is measured once (`darkroom.cells`); the network learns from the maps of the damage, twins side by side.
What it then finds in the validation split is printed.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from frames import measured
from metrics import ranked
from objective import DAMAGED, of_maps
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "space"))
from darkroom.cells import measures  # noqa: E402
from darkroom.film import Film  # noqa: E402
from darkroom.resnet import DEFECTS  # noqa: E402
from darkroom.traces import FILE, KINDS, standard, weigh  # noqa: E402

HIDDEN, JOINED = 96, 48
EPOCHS = 24
PAIRS = 24  # twins a step
RATE, DECAY, DROPPED = 3e-3, 0.05, 0.15
SEED = 0
FOUND = [DEFECTS.index(kind) for kind in KINDS]


@dataclass
class Frames:
    """A split, measured. local: (N, F, 16, 16) float16, frame: (N, G) float32; cells: (N, 6, 16, 16) float32, of all
    damage, 0…1."""

    local: np.ndarray
    frame: np.ndarray
    cells: np.ndarray


def look(film: Film) -> tuple[np.ndarray, np.ndarray]:
    local, frame = measures(film.density, film.inside)
    return local.astype(np.float16), frame


def read(split: Path) -> Frames:
    """Measure the frames of a simulated split; twins are next to each other. Raises FileNotFoundError."""
    rows, found = measured(split, look)
    local, frame = zip(*found, strict=True)
    return Frames(np.stack(local), np.stack(frame), np.array([row["defect_cells"] for row in rows], np.float32))


class Network(nn.Module):
    """`darkroom.traces.weigh` as a module, to be trained."""

    def __init__(self, frames: Frames):
        super().__init__()
        some = frames.local[::5].astype(np.float32)
        self.stored = {
            "mean": some.mean((0, 2, 3)),
            "scale": some.std((0, 2, 3)) + 1e-3,
            "frame_mean": frames.frame.mean(0),
            "frame_scale": frames.frame.std(0) + 1e-3,
        }
        self.hidden = nn.Conv2d(some.shape[1], HIDDEN, 1)
        self.frame = nn.Linear(frames.frame.shape[1], HIDDEN, bias=False)
        self.joined = nn.Conv2d(2 * HIDDEN, JOINED, 1)
        self.out = nn.Conv2d(JOINED, len(KINDS), 1)
        self.drop_measures, self.drop_hidden = nn.Dropout2d(DROPPED), nn.Dropout(DROPPED)

    def standard(self, frames: Frames) -> tuple[Tensor, Tensor]:
        """What `forward` takes of all frames: (N, F, 16, 16) float16 and (N, G) float32."""
        mean, scale, frame_mean, frame_scale = self.stored.values()
        local = [standard(one, mean, scale).astype(np.float16) for one in frames.local]
        frame = standard(frames.frame.T, frame_mean, frame_scale).T
        return torch.from_numpy(np.stack(local)), torch.from_numpy(np.ascontiguousarray(frame))

    def forward(self, local: Tensor, frame: Tensor) -> Tensor:
        hidden = F.relu(self.hidden(self.drop_measures(local.float())) + self.frame(frame)[:, :, None, None])
        near = F.avg_pool2d(hidden, 3, stride=1, padding=1, count_include_pad=False)
        return self.out(F.relu(self.joined(self.drop_hidden(torch.cat([hidden, near], 1)))))

    def tensors(self) -> dict[str, np.ndarray]:
        """What `darkroom.traces.weigh` takes."""
        flat = {name: p.detach().numpy().squeeze() for name, p in self.named_parameters()}
        flat = {name.replace(".weight", "").replace(".bias", "_bias"): value for name, value in flat.items()}
        return {name: np.ascontiguousarray(value, np.float32) for name, value in (self.stored | flat).items()}


def fit(frames: Frames) -> dict[str, np.ndarray]:
    """Train the network on twins. Returns its tensors, for `darkroom.traces.weigh`."""
    torch.manual_seed(SEED)
    network, pairs = Network(frames), len(frames.local) // 2
    local, frame = network.standard(frames)
    cells = torch.from_numpy(frames.cells[:, FOUND])
    steps = max(1, EPOCHS * pairs // PAIRS)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    bar = tqdm(range(steps), desc="Fitting", unit="step")
    for _ in bar:
        drawn = torch.randperm(pairs)[:PAIRS] * 2
        rows = torch.stack([drawn, drawn + 1], 1).ravel()
        in_cells, of_peaks = of_maps(network(local[rows], frame[rows]), cells[rows])
        value = (in_cells + of_peaks).mean()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        rate.step()
        bar.set_postfix(loss=f"{value.item():.2f}", refresh=False)
    return network.tensors()


def told(net: dict[str, np.ndarray], frames: Frames) -> str:
    """AUROC of each kind's strongest cell, frames with it against frames without any damage."""
    peaks = np.stack([weigh(*one, net).max((1, 2)) for one in zip(frames.local, frames.frame, strict=True)])
    present = frames.cells.max((2, 3)) >= DAMAGED
    sound = ~present.any(1)
    return "\n".join(ranked(kind, peaks[:, k], present[:, FOUND[k]], sound) for k, kind in enumerate(KINDS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="made by train/simulate.py")
    args = parser.parse_args()
    try:
        train, validation = read(args.data / "train"), read(args.data / "validation")
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    net = {name: tensor.astype(np.float16) for name, tensor in fit(train).items()}
    save_file(net, FILE)
    print("AUROC of the strongest cell, frames of the validation split with the damage against sound ones:")
    print(told({name: tensor.astype(np.float32) for name, tensor in net.items()}, validation))


if __name__ == "__main__":
    main()
