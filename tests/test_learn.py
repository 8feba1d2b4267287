"""Training on twins: what any network that learns so relies on."""

import learn
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset


def test_the_average_of_a_short_run_is_not_held_at_where_it_began(quick, monkeypatch):
    monkeypatch.setattr(learn, "SMOOTH", 0.998)
    network, seen = nn.Linear(1, 1, bias=False), []
    nn.init.constant_(network.weight, 0.0)

    def loss(network: nn.Module, made: list[Tensor], captured: list[Tensor]) -> Tensor:
        seen.append(float(network.weight.detach()))
        return -network.weight.sum()  # up, as fast as it may

    own = [torch.zeros(4, 1)]
    average = learn.fit(network, TensorDataset(torch.zeros(2000, 1)), own, loss, 0.5, rate=0.1, decay=0.0)
    assert len(seen) > 20 and not average.training
    assert 0.5 * network.weight.item() < average.weight.item() < network.weight.item()
