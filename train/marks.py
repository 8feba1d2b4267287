"""Train the network that finds damage by its shape: `space/darkroom/marks.safetensors`.

    python train/simulate.py data/simulated --photos photos --count 7000 --seed 1
    python train/marks.py data/simulated --minutes 10
    python train/marks.py data/simulated --minutes 10 --init marks.safetensors      # goes on from such a file
    python train/marks.py data/simulated --minutes 10 --init marks.safetensors --only holes dye_removal

It learns from two sorts of pairs (`train/twins.py`): damage put on the simulated frames that have none, other damage on
others all the time; and the simulator's own twins, whose damage the camera saw. What it then finds in the validation
split is printed. For a GPU and many cores: the cores make the pairs while the GPU learns from those there are. With
`--init` a share of the weights it began from stays in those it ends with. With `--only` some kinds alone are learnt
further, on two cores too: the first blocks stay as they are, and what is said of other kinds is held to what it was.
"""

import argparse
import sys
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from frames import measured
from learn import LEAST, answers, fit, mirrored, told
from marks_network import Held, MarksNetwork, mixed
from objective import of_maps
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch.nn import functional as F
from twins import ENDLESS, OFTEN, Twins, inputs, retaken, standard

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "space"))
from darkroom.cells import GRID  # noqa: E402
from darkroom.film import Film  # noqa: E402
from darkroom.marks import ANSWERS, FILE, KINDS, SPOTS, found_in, reduced, upright  # noqa: E402
from darkroom.resnet import DEFECTS  # noqa: E402

CELLS = (16, 24)  # the network's answers
RATE, FURTHER, ONLY, DECAY = 3e-3, 2e-3, 5e-4, 0.03  # learning rate from nothing, from weights, and of some kinds
OFTEN_ONLY = 0.7  # of twins have the kinds that alone are learnt, if each has its share of it
KEEP = 0.3  # weight of the mean square of how far the other answers have gone from what they were
SOME = 64  # twins by which the normalisations of a network that goes on are stated
FOUND = [DEFECTS.index(kind) for kind in KINDS]
Frame = tuple[np.ndarray, np.ndarray, bool]


def look(film: Film) -> Frame:
    planes, inside = reduced(film.density, film.inside)
    return planes.astype(np.float16), inside, upright(film.inside)


class Captured:
    """The simulator's twins, the sound one first. films: (P, 2, 3, 256, 384) float16 D, inside: (P, 2, 256, 384) bool,
    share: (P, 5, 16, 16) how much of a cell each of `KINDS` covers in the second."""

    def __init__(self, rows: list[dict], frames: list[Frame]):
        whole = [k for k in range(0, len(frames) - 1, 2) if min(f[1].mean() for f in frames[k : k + 2]) > LEAST]
        self.films, self.inside = (
            torch.from_numpy(np.stack([[frames[k + 1][part], frames[k][part]] for k in whole])) for part in (0, 1)
        )
        cells = [np.array(rows[k]["defect_cells"], np.float32)[FOUND] for k in whole]
        turned = [np.rot90(one, 1, (1, 2)) if frames[k][2] else one for k, one in zip(whole, cells, strict=True)]
        self.share = torch.from_numpy(np.stack(turned))
        self.sound = [frames[k + 1][:2] for k in whole]


def loss(network: MarksNetwork, made: list[Tensor], captured: list[Tensor]) -> Tensor:
    """made: films, inside and share as `twins.Twins` has them; captured: as `Captured` has them."""
    made, captured = mirrored(made), mirrored(captured)
    return _learnt(answers(network, _both(made, captured)).float(), made[-1], captured[-1])


def loss_of_some(network: Held, made: list[Tensor], captured: list[Tensor], kinds: list[int]) -> Tensor:
    """The same of some of `KINDS` alone, and how far the other answers have gone from what they were."""
    made, captured = mirrored(made), mirrored(captured)
    maps, before = (one.float() for one in answers(network, _both(made, captured)))
    own = [*kinds, len(KINDS)] if SPOTS in kinds else kinds
    gone = (maps - before).square().mean((0, 2, 3))
    others = torch.ones(len(ANSWERS), device=gone.device)
    others[own] = 0
    return _learnt(maps, made[-1], captured[-1], own) + KEEP * (gone * others).sum() / others.sum().clamp(min=1)


def _both(made: list[Tensor], captured: list[Tensor]) -> Tensor:
    """What the network is shown of both sorts of twins, (N · 2, 6, 256, 384)."""
    (films, inside, _), (own_films, own_inside, _) = made, captured
    pairs = torch.cat([films, own_films]), torch.cat([inside[:, None].expand(-1, 2, -1, -1), own_inside])
    return shown(*pairs).flatten(0, 1)


def _learnt(maps: Tensor, share: Tensor, own_share: Tensor, learnt: Sequence[int] = range(len(ANSWERS))) -> Tensor:
    """maps: (N · 2, 6, 16, 24) of `_both`; share: of the twins that were made, own_share: of those captured; learnt: of
    `ANSWERS`."""
    kinds, learnt = [k for k in learnt if k < len(KINDS)], list(learnt)
    made = maps[: 2 * len(share), learnt].unflatten(0, (-1, 2))
    own = F.adaptive_max_pool2d(_joined(maps[2 * len(share) :]), GRID)[:, kinds].unflatten(0, (-1, 2))
    parts = _loss(made, share[:, learnt]) * len(made) + _loss(own, own_share[:, kinds]) * len(own)
    return parts / (len(made) + len(own))


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
    """`darkroom.marks.of_kinds` of many frames: (N, 6, …) -> (N, 5, …)."""
    *found, clear = answers.unbind(1)
    found[SPOTS] = torch.maximum(found[SPOTS], clear)
    return torch.stack(found, 1)


def strongest(net: dict[str, np.ndarray], frames: list[Frame]) -> np.ndarray:
    """(N, 5): the strongest cell of each of `KINDS` in each frame."""
    net = {name: tensor.astype(np.float32) for name, tensor in net.items()}
    return np.stack([found_in(planes.astype(np.float32), inside, net).max((1, 2)) for planes, inside, _ in frames])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="made by train/simulate.py")
    parser.add_argument("--minutes", type=float, default=10, help="how long to train")
    parser.add_argument("--init", type=Path, help="weights to go on from, such a file as this writes")
    parser.add_argument("--only", nargs="+", choices=KINDS, help="the kinds that alone are learnt further, from --init")
    args = parser.parse_args()
    if args.only and not args.init:
        parser.error("--only needs the weights that it goes on from: name them with --init")
    network = MarksNetwork()
    try:
        before = network.fitting(load_file(args.init)) if args.init else None
        train, validation = (measured(args.data / split, look) for split in ("train", "validation"))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except (SafetensorError, ValueError) as error:
        print(f"{args.init}: {error}", file=sys.stderr)
        sys.exit(2)
    captured = Captured(*train)
    own = [captured.films, captured.inside, captured.share]
    often = {**OFTEN, **{kind: max(OFTEN[kind], OFTEN_ONLY / len(args.only)) for kind in args.only or ()}}
    made = Twins(captured.sound, ENDLESS, ANSWERS, CELLS, often)
    learn = partial(fit, made=made, captured=own, minutes=args.minutes, decay=DECAY)
    if before is None:
        network = learn(network, loss=loss, rate=RATE)
    else:
        some = shown(captured.films[:SOME], captured.inside[:SOME]).flatten(0, 1)
        network.go_on(before, some)
        if args.only:
            of_some = partial(loss_of_some, kinds=[KINDS.index(kind) for kind in args.only])
            network = learn(Held(network), loss=of_some, rate=ONLY).network
        else:
            network = mixed(deepcopy(network), learn(network, loss=loss, rate=FURTHER), some)
    net = network.tensors()
    save_file(net, FILE)
    rows, frames = validation
    print(told(KINDS, strongest(net, frames), rows))


if __name__ == "__main__":
    main()
