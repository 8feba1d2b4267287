"""The input and the loss of training."""

import pytest
import torch
from torch.nn import functional as F

from darkroom.judge.resnet import Output, ResNet18
from darkroom.taxonomy import DEFECTS
from learning.augment import augment
from learning.model import ONE_IN, initial_model, save_model
from learning.objective import balance, losses

HOLES = DEFECTS.index("holes")


def test_a_defect_stays_where_the_picture_shows_it_through_every_turn_and_flip():
    torch.manual_seed(0)
    cells = torch.zeros(40, len(DEFECTS), 4, 4)
    cells[:, HOLES, 0, 1] = 1
    pictures = 2 * F.interpolate(cells[:, HOLES : HOLES + 1], scale_factor=8).expand(-1, 3, -1, -1) - 1
    turned, moved = augment(pictures, cells)
    places = {tuple(where) for where in moved[:, HOLES].nonzero()[:, 1:].tolist()}
    assert places == {(0, 1), (0, 2), (3, 1), (3, 2), (1, 0), (2, 0), (1, 3), (2, 3)}
    brightest = F.avg_pool2d(turned.mean(1, keepdim=True), 8).flatten(1).argmax(1)
    assert torch.equal(brightest, moved[:, HOLES].flatten(1).argmax(1))
    assert not torch.allclose(turned[0].amax(), turned[1].amax())  # and the light differs


def output(cell: tuple[int, int] | None) -> Output:
    maps = torch.full((1, 2 + len(DEFECTS), 4, 4), -3.0)
    if cell:
        maps[0, 2 + HOLES, cell[0], cell[1]] = 6.0
    label, defects = maps.mean((2, 3)).split([2, len(DEFECTS)], dim=1)
    return Output(label, defects, maps)


def batch() -> dict[str, torch.Tensor]:
    cells = torch.zeros(1, len(DEFECTS), 4, 4)
    cells[0, HOLES, 1, 1] = 1.0
    defects = F.one_hot(torch.tensor([HOLES]), len(DEFECTS)).float()
    return {"label": torch.tensor([0]), "defects": defects, "cells": cells}


def test_the_right_cell_costs_least():
    right, nowhere, wrong = (
        losses(output(cell), batch(), kinds=DEFECTS, weights=torch.ones(2)).item() for cell in ((1, 1), None, (2, 3))
    )
    assert right < nowhere < wrong


def test_data_without_maps_or_defects_train_the_label_alone():
    plain = {"label": torch.tensor([0]), "defects": torch.zeros(1, 0)}
    plain["cells"] = torch.full((1, len(DEFECTS), 4, 4), torch.nan)
    one, other = (losses(output(cell), plain, kinds=DEFECTS, weights=torch.ones(2)) for cell in ((1, 1), (2, 3)))
    assert torch.equal(one, other) and one.item() == pytest.approx(0.6931, abs=1e-3)


def test_what_nobody_knows_costs_nothing():
    known, unknown = batch(), batch()
    unknown["defects"][:] = torch.nan
    unknown["cells"][:] = torch.nan
    label = known | {"defects": torch.zeros(1, 0), "cells": unknown["cells"]}
    costs = [
        losses(output((1, 1)), each, kinds=DEFECTS, weights=torch.ones(2)).item() for each in (unknown, label, known)
    ]
    assert costs[0] == costs[1] < costs[2]


def test_the_rarer_label_counts_as_much_as_the_other():
    weights = balance([1] * 7 + [0] * 3)
    assert 3 * weights[0] == pytest.approx(7 * weights[1]) and 3 * weights[0] + 7 * weights[1] == pytest.approx(10)


def test_continuing_with_other_kinds_of_damage_keeps_what_both_models_know(tmp_path):
    torch.manual_seed(0)
    known = save_model(ResNet18(input_size=64), None, tmp_path / "known")
    model = initial_model(str(tmp_path / "known"), ("holes", "noise"), None)
    assert model.defects == ("holes", "noise") and model.input_size == 64
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before, after = (network.eval()(x, torch.ones(1)) for network in (known, model))
    assert torch.allclose(before.label, after.label, atol=1e-5)
    expected = before.defects[:, [HOLES, DEFECTS.index("noise")]]
    assert torch.allclose(expected, after.defects, atol=1e-5)


def test_a_kind_answers_with_as_many_cells_as_in_the_model_that_is_continued(tmp_path):
    for one_in in (1, 4):
        save_model(ResNet18(input_size=64, one_in=one_in), None, tmp_path / "known")
        assert initial_model(str(tmp_path / "known"), DEFECTS[:2], None).one_in == one_in
    assert initial_model(None, DEFECTS, None).one_in == ONE_IN


def test_without_defect_columns_a_model_keeps_the_kinds_that_it_knows(tmp_path):
    save_model(ResNet18(input_size=64), None, tmp_path / "known")
    assert initial_model(str(tmp_path / "known"), (), 96).defects == DEFECTS
    assert initial_model(None, (), None).defects == ()
