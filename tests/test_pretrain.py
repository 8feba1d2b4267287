"""The judge is trained from nothing on twins, which it is shown as it will be shown scans."""

import re
import sys

import numpy as np
import pretrain as training
import pytest
import torch
from darkroom.film import Film
from darkroom.resnet import DEFECTS, Output
from darkroom.scan import open_scan
from darkroom.verdict import load
from film import eight_bit, grainy, png
from simulate import simulate
from twins import ENDLESS, Twins, retaken


def scanned(density: np.ndarray) -> Film:
    return Film(open_scan(png(eight_bit(10 ** (-density.clip(0) / 2.2)))))


@pytest.fixture(scope="module")
def frames() -> list[tuple]:
    return [training.look(scanned(grainy(seed))) for seed in range(4)]


@pytest.mark.parametrize("turned", [0, 1])
def test_a_twin_is_shown_as_its_scan_would_be(turned):
    held = np.pad(grainy(3), [(0, 0), (60, 0), (0, 0)], constant_values=3.5)
    pixels, planes, inside = training.look(scanned(np.rot90(held, turned)))
    assert planes.shape == (3, 352, 528) and inside.shape == (352, 528) and 0.8 < inside.mean() < 0.95
    shown = training.shown(torch.from_numpy(planes[None].astype(np.float32)), torch.from_numpy(inside[None]))[0]
    film = (slice(None), slice(None), slice(60, 352) if turned == 0 else slice(0, 292))
    expected = np.rot90(pixels, turned, (1, 2)).astype(int)[film]  # a twin lies, a scan stays as it is
    assert np.abs(shown.numpy()[film] - expected).mean() < 0.1 * expected.std()


def test_the_simulators_twins_are_learnt_from_the_sound_one_first(frames):
    cells = np.zeros((6, 16, 16))
    cells[DEFECTS.index("holes"), 3, 12] = 1
    rows = [{"defect_cells": where.tolist()} for where in (cells, 0 * cells, 0 * cells, 0 * cells)]
    (pixels, share), sound = training.own_pairs(rows, frames)
    assert (pixels[0, 1].numpy() == frames[0][0]).all() and (pixels[0, 0].numpy() == frames[1][0]).all()
    assert share[0, 1, DEFECTS.index("holes"), 2, 8] == 1 and share.sum() <= 4
    assert len(sound) == 2 and sound[1][0] is frames[3][1]


def test_what_is_put_on_is_told_by_the_name_of_its_damage():
    share = torch.eye(len(training.PUT_ON))[..., None, None]
    named = [DEFECTS[k] for k in training.of_defects(share).flatten(1).argmax(1)]
    assert named == [*training.PUT_ON[:-1], "residual_spots"]


class Oracle(torch.nn.Module):
    """Says of every cell whether the picture differs there from the twin before it."""

    def forward(self, pictures: torch.Tensor) -> Output:
        sound, other = pictures.unflatten(0, (-1, 2)).unbind(1)
        change = torch.nn.functional.adaptive_max_pool2d((other - sound).abs().amax(1, keepdim=True), training.CELLS)
        maps = torch.stack([torch.full_like(change, -9), 18 * (change > 0.3) - 9.0], 1).flatten(0, 1)
        maps = maps.expand(-1, 2 + len(DEFECTS), -1, -1)
        abnormal = maps.amax((2, 3))[:, :1]
        return Output(torch.cat([abnormal, -abnormal], 1), maps.amax((2, 3))[:, 2:], maps)


def test_whoever_points_at_the_damage_loses_least(frames):
    captured, sound = training.own_pairs([{"defect_cells": np.zeros((6, 16, 16)).tolist()}] * 4, frames)
    twins = Twins(sound, ENDLESS, training.PUT_ON, training.CELLS)
    made = [torch.stack(parts) for parts in zip(*(twins[i] for i in range(6)), strict=True)]
    captured = [torch.stack([part[:, 0], part[:, 0]], 1) for part in captured]  # twins that do not differ

    def lost(turn_over: bool) -> float:
        torch.manual_seed(0)
        network = Oracle()
        if turn_over:
            forward = network.forward
            network.forward = lambda pictures: Output(*(-part for part in forward(pictures)))
        return float(training.loss(network, made, captured))

    assert lost(turn_over=False) < 0.5 * lost(turn_over=True)


def test_the_command_trains_and_writes_a_model_that_judges(tmp_path, monkeypatch, capsys, quick):
    for name, value in {"SIZE": 96, "WIDE": 144, "CELLS": (3, 3)}.items():
        monkeypatch.setattr(training, name, value)
    training._columns.cache_clear()
    simulate(tmp_path / "drawn", count=40, seed=5)
    folders = [str(tmp_path / name) for name in ("drawn", "new")]
    monkeypatch.setattr(sys, "argv", ["pretrain.py", *folders, "--minutes", "0.05"])
    training.main()
    training._columns.cache_clear()
    said = capsys.readouterr().out
    for kind in DEFECTS:
        assert re.search(rf"{kind} +(\d\.\d{{3}}|–)  \(\d+ frames with it, \d+ without damage\)", said)
    judge = load(tmp_path / "new")
    assert judge.model.input_size == 96 and judge.model.calibration is None
    assert 0 <= judge.judge(open_scan(png(eight_bit(10 ** (-grainy(1) / 2.2))))).p_normal <= 1


def test_without_data_the_command_says_how_to_make_some(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pretrain.py", str(tmp_path / "none"), str(tmp_path / "new")])
    with pytest.raises(SystemExit) as stopped:
        training.main()
    assert stopped.value.code == 2 and "train/simulate.py" in capsys.readouterr().err


def test_another_camera_takes_both_twins_alike(frames):
    torch.manual_seed(0)
    films = torch.from_numpy(frames[0][1]).expand(2, 2, -1, -1, -1)
    taken = retaken(films)
    assert torch.equal(taken[:, 0], taken[:, 1]) and not torch.equal(taken[0], taken[1])
