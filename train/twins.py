"""What `train/marks.py` and `train/pretrain.py` learn from: frames of film twice, without and with damage, and where it
is.

Real film and its files differ more from each other than simulated ones (docs/experiments.md). So every pair is given
another contrast, sharpness and grain, and most get dust, hairs and hairline scratches, which are no damage.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from capture import wear
from damage import DAMAGE, colour_patches
from scipy import ndimage
from sight import placed
from spots import air_bells, deposits
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.cells import STEP, UNLIKE  # noqa: E402
from darkroom.marks import BLOCK, BLOCKS, FAINT, STRETCH, USUAL, WIDE  # noqa: E402

APPLY = {
    "blank_area": (DAMAGE["blank_area"],),
    "colour_patches": (colour_patches, partial(colour_patches, tries=1)),
    "holes": (DAMAGE["holes"],),
    "residual_spots": (deposits,),
    "dye_removal": (DAMAGE["dye_removal"],),
    "air_bells": (air_bells,),
}
OFTEN = {
    "blank_area": 0.2,
    "colour_patches": 0.6,
    "holes": 0.25,
    "residual_spots": 0.35,
    "dye_removal": 0.4,
    "air_bells": 0.35,
}
IN_SIGHT = (0.3, 0.7)  # share of damage that must be seen where it is put: half of it some, half of it most
ENDS = 0.4  # share of what is seen that must end nearby: nobody sees a patch that fades over all of a sky
SEVERITIES = (0.3, 3.0)
GAIN, LAYER_GAIN = (0.6, 1.6), 0.15  # contrast, and the deviation of the layers' from it
DETAIL, DETAIL_SIZE = 1.5, (0.7, 2.5)  # up to how much fine detail is made stronger, and its size in pixels
WORN = 0.6  # of the frames
SOFT = (0.2, 0.9)  # pixels: damage passes through a lens too
STRENGTH = (0.8, 1.25)  # of damage, every time that it is seen again
BEND = 0.15  # per D; how far the tone curve may depart from a line
GRAIN = (0.02, 0.02, 0.04)  # D; deviation over frames of each layer's grain and JPEG noise
GRAIN_SIZE = (0.4, 1.2)  # pixels, where it is more than one
SEED = 0
ENDLESS = 10**9  # pairs


class Twins(Dataset):
    """Sound frames, others each time, and the same with damage. Item `i` is the film of both, (2, 3, h, w) float16 D,
    what of it is film, (h, w) bool, and how much of each of `cells` (rows, columns) each of `kinds` visibly covers in
    the second, (kinds, rows, columns). The same `i` is always the same. frames: lying sound film, (3, h, w) and
    (h, w). often: chance of each kind."""

    def __init__(
        self,
        frames: list[tuple[np.ndarray, np.ndarray]],
        count: int,
        kinds: tuple[str, ...],
        cells: tuple[int, int],
        often: dict[str, float] = OFTEN,
    ):
        self.frames, self.count, self.cells = frames, count, cells
        self.often = {kind: often[kind] for kind in kinds}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng((SEED, i))
        seen = np.zeros(0)
        while not seen.any():
            planes, inside = self.frames[rng.integers(len(self.frames))]
            sound = _another(np.moveaxis(planes, 0, -1).astype(np.float32), rng)
            damaged, seen = _marked(sound, inside, self.often, rng)
        films = np.moveaxis(np.stack([sound, np.where(inside[..., None], damaged, sound)]), -1, 1)
        share = F.adaptive_max_pool2d(torch.from_numpy(seen), self.cells)
        return torch.from_numpy(films.astype(np.float16)), torch.from_numpy(inside.copy()), share


def _another(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The frame (h, w, 3) as another film and a sharper lens would have had it, and worn."""
    gain = rng.uniform(*GAIN) * np.exp(rng.normal(0, LAYER_GAIN, 3))
    density = density * gain.astype(np.float32)
    if rng.random() < 0.5:
        size = rng.uniform(*DETAIL_SIZE)
        density = density + rng.uniform(0, DETAIL) * (density - ndimage.gaussian_filter(density, (size, size, 0)))
    if rng.random() < WORN:
        density = wear(density, np.percentile(density, 1, axis=(0, 1)), rng)
    return density


def _marked(
    density: np.ndarray, inside: np.ndarray, often: dict[str, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The frame (h, w, 3) with some damage that can be seen in it, each kind as `often`, and (K, h, w) where it is."""
    base = np.percentile(density[inside] if inside.any() else density, 1, axis=0)
    seen = np.zeros((len(often), *inside.shape), np.float32)
    damaged, least = density, rng.choice(IN_SIGHT)
    for k, (kind, chance) in enumerate(often.items()):
        if rng.random() < chance:
            apply = APPLY[kind][rng.integers(len(APPLY[kind]))]
            damaged, seen[k] = placed(apply, damaged, base, rng.uniform(*SEVERITIES), rng, inside, least, ENDS)
    soft = rng.uniform(*SOFT)
    return density + ndimage.gaussian_filter(damaged - density, (soft, soft, 0)), seen


def retaken(films: Tensor) -> Tensor:
    """Twins, (N, 2, 3, h, w) D, each pair with another tone curve, another strength of damage and other grain."""
    films = films.float()
    n, device = len(films), films.device

    def between(low: float, high: float) -> Tensor:
        return torch.empty(n, 1, 1, 1, 1, device=device).uniform_(low, high)

    sound = films[:, :1]
    films = torch.cat([sound, sound + between(*STRENGTH) * (films[:, 1:] - sound)], 1)
    middle = sound[..., ::4, ::4].flatten(3).median(3).values[..., None, None]
    noise = torch.randn(sound.shape, device=device)
    if torch.rand(()) < 0.5:
        noise = _blurred(noise[:, 0], float(torch.empty(()).uniform_(*GRAIN_SIZE)))[:, None]
    amount = torch.tensor(GRAIN, device=device)[:, None, None] * torch.randn(n, 1, 3, 1, 1, device=device).abs()
    # Stronger where less light came through.
    noise = noise * amount * 10 ** ((sound - middle) / 2).clip(-0.5, 0.5)
    return films + between(-BEND, BEND) * (films - middle).clip(-2, 2) ** 2 + noise


def _blurred(noise: Tensor, size: float) -> Tensor:
    """(N, 3, h, w) of unit variance, and so again after a Gaussian of `size` pixels."""
    taps = torch.exp(-((torch.arange(-3, 4, device=noise.device) / size) ** 2) / 2)
    taps = (taps / taps.square().sum().sqrt()).expand(3, 1, 1, 7)
    noise = F.conv2d(noise, taps, padding=(0, 3), groups=3)
    return F.conv2d(noise, taps.transpose(2, 3), padding=(3, 0), groups=3)


def spans(planes: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Median and 10–90 % span of each layer of what is film, (N, 3) each, over a quarter of the pixels. planes:
    (N, 3, h, w), inside: (N, h, w) bool."""
    film = torch.where(inside[:, None, ::2, ::2], planes[..., ::2, ::2], torch.nan).flatten(2)
    low, middle, high = torch.nanquantile(film, torch.tensor([0.1, 0.5, 0.9], device=film.device), 2)
    return middle, high - low


def alike(planes: Tensor, span: Tensor) -> Tensor:
    """`darkroom.cells.alike` of many frames at once: (N, 3, h, w), that span (N, 3)."""
    span = span.clip(min=STEP)
    return planes * (span.mean(1, keepdim=True) / span).clip(1 / UNLIKE, UNLIKE)[..., None, None]


def standard(planes: Tensor, inside: Tensor) -> Tensor:
    """`darkroom.marks.standard` of many frames at once, but for `spans`. planes: (N, 3, h, w), inside: (N, h, w)."""
    middle, span = spans(planes, inside)
    stretch = (USUAL / span.mean(1).clip(min=1e-3)).clip(*STRETCH)
    return alike(planes - middle[..., None, None], span) * stretch[:, None, None, None]


def inputs(planes: Tensor) -> Tensor:
    """`darkroom.marks.inputs` of many frames at once: (N, 3, h, w) -> (N, 6, h, w)."""
    red, green, blue = planes.unbind(1)
    colours = torch.stack([blue - red, green - (red + blue) / 2, (red + green + blue) / 3], 1)
    around = F.pad(F.avg_pool2d(colours, BLOCK), [BLOCKS // 2] * 4, mode="replicate")
    around = F.interpolate(F.avg_pool2d(around, BLOCKS, stride=1), scale_factor=BLOCK, mode="bilinear")
    return torch.cat([torch.tanh(colours / WIDE), torch.tanh((colours - around) / FAINT)], 1)
