"""Augmentation that keeps the label true: rotations, flips and mild changes of light, but no blur or erasure, which
could add or hide a defect."""

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

CAST = 0.06  # standard deviation of the offset a channel, as a share of the input's half range
CONTRAST = 0.08  # standard deviation of the factor over all channels


class QuarterTurn(v2.Transform):
    """Turn by 0, 90, 180 or 270 degrees, exactly: no pixel is interpolated."""

    def make_params(self, flat_inputs: list) -> dict:
        """Draw the number of quarters."""
        return {"turns": int(torch.randint(4, ()))}

    def transform(self, inpt, params: dict):
        """Turn a picture, a mask or a map."""
        return tv_tensors.wrap(torch.rot90(inpt, params["turns"], (-2, -1)), like=inpt)


class Light(v2.Transform):
    """Another exposure and white balance: an offset a channel and one factor. Masks stay unchanged."""

    def make_params(self, flat_inputs: list) -> dict:
        """Draw offset and factor."""
        return {"offset": CAST * torch.randn(3, 1, 1), "factor": 1 + CONTRAST * torch.randn(())}

    def transform(self, inpt, params: dict):
        """Change a picture; masks stay unchanged."""
        if not isinstance(inpt, tv_tensors.Image):
            return inpt
        return tv_tensors.wrap(inpt * params["factor"].to(inpt) + params["offset"].to(inpt), like=inpt)


FRAME = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), Light()])
SQUARE = v2.Compose([QuarterTurn(), *FRAME.transforms])


def augment(pictures: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Draw a change for each picture and apply it to the picture and its defect map.

    pictures: (N, 3, H, W) float, symmetric about 0; only squares are turned by quarters. cells: (N, K, h, w). Draws
    from torch's global generator.
    """
    change = SQUARE if pictures.shape[-1] == pictures.shape[-2] else FRAME
    pairs = [change(tv_tensors.Image(p), tv_tensors.Mask(c)) for p, c in zip(pictures, cells, strict=True)]
    return torch.stack([p for p, _ in pairs]), torch.stack([c for _, c in pairs])
