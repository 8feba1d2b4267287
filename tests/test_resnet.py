"""The network has the designed architecture, its maps are exact, and it can be saved and loaded."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torchvision.models import resnet18

from darkroom.judge.resnet import ResNet18, to_float
from darkroom.taxonomy import DEFECTS, LABELS


@pytest.fixture(scope="module")
def model() -> ResNet18:
    torch.manual_seed(0)
    return ResNet18(input_size=64, one_in=10).eval()


def test_it_has_the_layers_of_resnet_18(model):
    """torchvision's, but for the head and d2l.ai's bypass: the 1 × 1 convolution has a bias and no batch norm."""

    def convolutions(network: nn.Module) -> list[tuple]:
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
        return sorted((m.in_channels, m.out_channels, m.kernel_size, m.stride, m.padding) for m in layers)

    reference = resnet18()
    assert convolutions(model) == convolutions(reference)
    expected = sum(p.numel() for p in reference.parameters()) - reference.fc.weight.numel() - reference.fc.bias.numel()
    bypass_norms, bypass_biases, head = 2 * (128 + 256 + 512), 128 + 256 + 512, 514 * (len(LABELS) + len(DEFECTS))
    assert sum(p.numel() for p in model.parameters()) == expected - bypass_norms + bypass_biases + head


def test_a_block_that_keeps_the_resolution_adds_its_input_as_it_is(model):
    plain = [block for block in model.blocks if block.conv3 is None]
    assert len(plain) == 5
    block = plain[0]
    x = torch.rand(2, 64, 8, 8)
    with torch.no_grad():
        residual = block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(x)))))
        torch.testing.assert_close(block(x), torch.relu(x + residual))


@pytest.mark.parametrize("size", [64, 244])
def test_the_maps_are_what_the_output_is_made_of(model, size):
    with torch.no_grad():
        label, defects, maps = model(torch.rand(2, 3, size, size), torch.tensor([0.1, 0.5]))
    cells = -(-size // 32)
    assert label.shape == (2, 2) and defects.shape == (2, len(DEFECTS))
    assert maps.shape == (2, 2 + len(DEFECTS), cells, cells)
    torch.testing.assert_close(maps[:, :2].mean((2, 3)), label)
    tenth = math.ceil(cells**2 / 10)
    most = maps[:, 2:].flatten(2).sort(dim=2, descending=True).values[..., :tenth]
    torch.testing.assert_close(most.mean(2), defects)


def test_what_goes_in_moves_the_cell_above_it(model):
    """The heat map points at the place: a change in one corner changes that corner's cell most."""
    picture = torch.zeros(1, 3, 256, 256)
    changed = picture.clone()
    changed[..., :48, -48:] = 1
    with torch.no_grad():
        span = torch.ones(1)
        moved = (model(changed, span).maps - model(picture, span).maps).abs().sum((0, 1))
    row, column = divmod(int(moved.argmax()), moved.shape[1])
    assert row <= 1 and column >= 6


def test_it_comes_back_from_disk_as_it_was_saved(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["input_size"] == 64 and tuple(config["defects"]) == DEFECTS
    again = ResNet18.from_pretrained(tmp_path, strict=True)
    assert again.defects == DEFECTS and again.labels == LABELS
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for before, after in zip(model(x, torch.ones(1)), again(x, torch.ones(1)), strict=True):
            assert torch.equal(before, after)
    plain = ResNet18(input_size=64)
    plain.load_state_dict(load_file(tmp_path / "model.safetensors"))  # strict; no Hub library involved


def test_the_density_span_reaches_every_output_by_one_weight(model):
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        usual, halved = model(x, torch.tensor([0.5, 0.5])), model(x, torch.tensor([0.25, 0.5]))
    moved = torch.cat([halved.label - usual.label, halved.defects - usual.defects], 1)
    torch.testing.assert_close(moved[0], -model.head.weight[:, -1])
    assert torch.equal(moved[1], torch.zeros_like(moved[1]))
    assert torch.isfinite(model(x, torch.zeros(2)).maps).all()  # a frame without any contrast


def test_a_network_without_defects_still_labels():
    label, defects, maps = ResNet18(defects=(), input_size=64).eval()(torch.rand(1, 3, 64, 64), torch.ones(1))
    assert label.shape == (1, 2) and defects.shape == (1, 0) and maps.shape[1] == 2


def test_bytes_become_small_floats_around_zero():
    x = to_float(torch.tensor([0, 255], dtype=torch.uint8))
    assert x.dtype == torch.float32 and float(x[0]) < 0 < float(x[1]) and x.abs().max() <= 3
