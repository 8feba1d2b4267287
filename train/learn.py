"""Training on twins for so many minutes, on a GPU that many cores feed: `train/marks.py` and `train/pretrain.py`."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from metrics import ranked
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.resnet import DEFECTS  # noqa: E402

PAIRS, CAPTURED = 48, 12  # of a step: with damage put on, and as the simulated camera saw it
NEW, USES = 16, 8  # pairs that come to those kept, and the steps until others do
KEPT = 8192  # pairs; 10 GB of the GPU's memory at 384 × 256, 19 GB at 528 × 352
LEAST = 0.2  # share of the picture that is film, in what is learnt from
WARM, SMOOTH = 0.05, 0.998
SEED = 0


def fit(
    network: nn.Module,
    made: Dataset,
    captured: list[Tensor],
    loss: Callable[[nn.Module, list[Tensor], list[Tensor]], Tensor],
    minutes: float,
    *,
    rate: float,
    decay: float,
) -> nn.Module:
    """Train `network` for so long with AdamW, the rate rising and then falling along a cosine.

    made: endless pairs, a tuple of tensors each. captured: tensors of all the simulator's own pairs. loss: of the
    network on `PAIRS` of the first and `CAPTURED` of the second. Returns the average of the last weights, in `eval`, on
    the CPU.
    """
    torch.manual_seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pairs, own = _kept(made, device), _drawn([part.to(device) for part in captured])
    network = network.to(device, memory_format=torch.channels_last)

    def smooth(averages: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        """A moving average whose memory grows with the run, so that a short run is not held at its start."""
        get_ema_multi_avg_fn(min(SMOOTH, (1 + bar.n) / (10 + bar.n)))(averages, current, count)

    average = AveragedModel(network, multi_avg_fn=smooth, use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    bar = tqdm(desc="Training", unit="step")
    batch = next(pairs), next(own)
    began = time.monotonic()
    while (done := (time.monotonic() - began) / (60 * minutes)) < 1:
        optimizer.param_groups[0]["lr"] = rate * min(done / WARM, (1 + math.cos(math.pi * done)) / 2)
        value = loss(network, *batch)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        bar.update()
        if bar.n % 50 == 1:
            bar.set_postfix(loss=f"{value.item():.2f}", refresh=False)
        batch = next(pairs), next(own)
    return average.module.to("cpu", memory_format=torch.contiguous_format).eval()


def answers(network: nn.Module, shown: Tensor):
    """What the network says of pictures (N, C, h, w), in bfloat16 where that is fast."""
    with torch.autocast(shown.device.type, torch.bfloat16, enabled=fast_bfloat16()):
        return network(shown.contiguous(memory_format=torch.channels_last))


@cache
def fast_bfloat16() -> bool:
    """Whether the device that is trained on multiplies bfloat16 in hardware (a CPU with AMX: 4 times faster)."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return any(torch.cpu.get_capabilities().get(name) for name in ("amx_bf16", "avx512_bf16"))


def mirrored(parts: list[Tensor]) -> list[Tensor]:
    """Pictures (…, h, w) and their maps, turned over or not, all the same way."""
    axes = [axis for axis in (-1, -2) if torch.rand(()) < 0.5]
    return [part.flip(axes) for part in parts]


def told(kinds: tuple[str, ...], peaks: np.ndarray, rows: list[dict]) -> str:
    """For people: AUROC of each kind's strongest cell, `peaks` (N, K), frames with it against frames without any
    damage. rows: of the frames, as `frames.measured` has them."""
    damaged = np.array([[row[kind] for kind in DEFECTS] for row in rows], bool)
    lines = [
        ranked(kind, peaks[:, k], damaged[:, DEFECTS.index(kind)], ~damaged.any(1)) for k, kind in enumerate(kinds)
    ]
    return "\n".join(
        ["AUROC of the strongest cell, frames of the validation split with the damage against sound ones:", *lines]
    )


def _kept(made: Dataset, device: torch.device) -> Iterator[list[Tensor]]:
    """Again and again `PAIRS` of the last `KEPT` pairs that were made."""
    workers = max(1, (os.cpu_count() or 2) - 1)
    kept, count = None, 0
    for new in DataLoader(made, NEW, num_workers=workers, prefetch_factor=4):
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
            yield [part[rows] for part in kept]


def _drawn(parts: list[Tensor]) -> Iterator[list[Tensor]]:
    while True:
        rows = torch.randint(len(parts[0]), (CAPTURED,), device=parts[0].device)
        yield [part[rows] for part in parts]
