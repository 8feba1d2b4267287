"""Train the judge of negatives from nothing, on simulated twins: the weights that `train/run.py` begins from.

    python train/simulate.py data/simulated --photos photos --count 7000 --seed 1
    python train/pretrain.py data/simulated runs/pretrained --minutes 10

It learns from two sorts of pairs (`train/twins.py`): damage put on the simulated frames that have none, other damage on
others all the time; and the simulator's own twins, whose damage the camera saw. Writes a model without a calibration
and prints what it finds in the validation split. For a GPU and many cores: the cores make the pairs while the GPU
learns from those there are.
"""

import argparse
import sys
from functools import cache
from pathlib import Path

import numpy as np
import torch
from frames import measured
from learn import LEAST, answers, fit, mirrored, told
from model import finish
from objective import SOUND, losses
from torch import Tensor
from torch.nn import functional as F
from twins import ENDLESS, Twins, alike, retaken, spans

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.cells import DENSEST  # noqa: E402
from darkroom.film import SPANS_IN_RANGE, Film, network_input, resized  # noqa: E402
from darkroom.marks import ANSWERS as PUT_ON  # noqa: E402
from darkroom.resnet import DEFECTS, ResNet18, to_float  # noqa: E402
from darkroom.scan import CODED_GAMMA, LEAST_SPAN  # noqa: E402

SIZE = 352  # pixels; side of what the network sees
WIDE = SIZE * 3 // 2  # pixels of a row of the film that damage is put on, which is squashed afterwards
CELLS = (SIZE // 32, SIZE // 32)  # the network's answers
RATE, DECAY = 2e-3, 0.05


def look(film: Film) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a frame: what the network sees, (3, S, S) uint8; its density, lying, (3, S, `WIDE`) float16; what of
    it is film, (S, `WIDE`) bool."""
    density, inside = np.minimum(film.density, DENSEST), film.inside.astype(np.float32)
    if inside.shape[0] > inside.shape[1]:
        density, inside = np.rot90(density), np.rot90(inside)
    *planes, within = (
        resized(np.ascontiguousarray(plane), WIDE, SIZE) for plane in [*np.moveaxis(density, -1, 0), inside]
    )
    return network_input(film, SIZE), np.stack(planes).astype(np.float16), within > 0.99


def own_pairs(rows: list[dict], frames: list[tuple]) -> tuple[list[Tensor], list[tuple[np.ndarray, np.ndarray]]]:
    """The simulator's twins, the sound one first: pixels (P, 2, 3, S, S) uint8 and how much of its cells each of
    `DEFECTS` covers, (P, 2, 6, h, w). And the film of the sound ones, for `Twins`."""
    whole = [k for k in range(0, len(frames) - 1, 2) if min(f[2].mean() for f in frames[k : k + 2]) > LEAST]
    pixels = torch.from_numpy(np.stack([[frames[k + 1][0], frames[k][0]] for k in whole]))
    cells = np.array([[rows[k + 1]["defect_cells"], rows[k]["defect_cells"]] for k in whole], np.float32)
    cells = F.adaptive_max_pool2d(torch.from_numpy(cells).flatten(0, 1), CELLS).unflatten(0, (-1, 2))
    return [pixels, cells], [frames[k + 1][1:] for k in whole]


def loss(network: ResNet18, made: list[Tensor], captured: list[Tensor]) -> Tensor:
    """made: films, inside and share as `Twins` has them; captured: as `own_pairs` has them."""
    films, inside, share = made
    pixels, cells = captured
    share = of_defects(share)
    pictures = torch.cat([shown(retaken(films).flatten(0, 1), inside.repeat_interleave(2, 0)), pixels.flatten(0, 1)])
    cells = torch.cat([torch.stack([0 * share, share], 1), cells]).flatten(0, 1)
    present = (cells.amax((2, 3)) > SOUND).float()
    pictures, cells = mirrored([to_float(pictures), cells])
    turns = int(torch.randint(4, ()))
    pictures, cells = (torch.rot90(part, turns, (-2, -1)) for part in (pictures, cells))
    batch = {"label": (present.amax(1) == 0).long(), "defects": present, "cells": cells}
    output = answers(network, pictures)
    output = type(output)(*(part.float() for part in output))
    return losses(output, batch, kinds=DEFECTS, weights=torch.ones(2, device=pictures.device)).mean()


def shown(planes: Tensor, inside: Tensor) -> Tensor:
    """`darkroom.film.network_input` of many frames at once, but for `spans`: lying film (N, 3, h, w) D and where it is
    film, (N, h, w) bool -> (N, 3, S, S), whole numbers in 0…255."""
    squash = _columns(planes.shape[-1]).to(planes.device)
    planes, inside = planes @ squash, inside.float() @ squash > 0.99
    middle, span = spans(planes, inside)
    reach = SPANS_IN_RANGE * span.mean(1).clip(min=LEAST_SPAN * CODED_GAMMA)
    relative = alike(planes - middle[..., None, None], span) / reach[:, None, None, None]
    return torch.round(127.5 + 127.5 * torch.tanh(relative))


def of_defects(share: Tensor) -> Tensor:
    """(N, 6, h, w) of `PUT_ON` to that of `DEFECTS`: a spot is brown or clear, and none is underexposed."""
    blank, patches, holes, brown, rubbed, clear = share.unbind(1)
    return torch.stack([0 * blank, blank, patches, holes, torch.maximum(brown, clear), rubbed], 1)


@cache
def _columns(width: int) -> Tensor:
    """(width, S): what squashing a row does to it."""
    return torch.from_numpy(resized(np.eye(width, dtype=np.float32), SIZE, width).copy())


@torch.no_grad()
def strongest(network: ResNet18, frames: list[tuple]) -> np.ndarray:
    """(N, 6): the strongest cell of each of `DEFECTS` in each frame."""
    maps = [network(to_float(torch.from_numpy(pixels)[None])).maps[0, -len(DEFECTS) :] for pixels, *_ in frames]
    return torch.stack(maps).amax((2, 3)).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="made by train/simulate.py")
    parser.add_argument("out", type=Path, help="folder of the model to write")
    parser.add_argument("--minutes", type=float, default=10, help="how long to train")
    args = parser.parse_args()
    try:
        train, validation = (measured(args.data / split, look) for split in ("train", "validation"))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    captured, sound = own_pairs(*train)
    made = Twins(sound, ENDLESS, PUT_ON, CELLS)
    network = fit(ResNet18(input_size=SIZE), made, captured, loss, args.minutes, rate=RATE, decay=DECAY)
    network = finish(network, None, args.out)
    rows, frames = validation
    print(told(DEFECTS, strongest(network, frames), rows))


if __name__ == "__main__":
    main()
