"""The network of marks: trained on twins, further from weights, and on some kinds of damage alone."""

import re
import sys
from pathlib import Path

import learn
import marks as training
import marks_network
import numpy as np
import pytest
import torch
import twins as pairs
from darkroom.cells import GRID
from darkroom.marks import ANSWERS, FILE, KINDS, SIZE, inputs, of_kinds, reduced, standard, weigh
from darkroom.resnet import DEFECTS
from film import INSIDE, damaged, grainy
from marks_network import Held, MarksNetwork, mixed
from safetensors.numpy import load_file, save_file
from simulate import simulate
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

INSIDE_SMALL = np.arange(SIZE[1]) > np.full((SIZE[0], 1), 40)


def captured(kind: str, turned: int = 0) -> training.Captured:
    """Two of the simulator's twins, the damaged frame first as it writes them, turned by quarters."""
    cells = np.zeros((len(DEFECTS), GRID, GRID))
    cells[DEFECTS.index(kind), 7, 6] = 1
    rows, found = [], []
    for seed in (20, 21):
        for density, where in ((damaged(grainy(seed), kind), cells), (grainy(seed), cells * 0)):
            density, inside = np.rot90(density, turned), np.rot90(INSIDE, turned)
            rows.append({"defect_cells": np.rot90(where, turned, (1, 2)).tolist()})
            found.append((*reduced(density, inside), turned % 2 == 1))
    return training.Captured(rows, found)


@pytest.mark.parametrize("turned", [0, 1])
def test_the_simulators_twins_are_learnt_from_with_the_map_where_the_damage_is(turned):
    twins = captured("colour_patches", turned)
    assert twins.films.shape == (2, 2, 3, *SIZE) and len(twins.sound) == 2
    change = (twins.films[:, 1] - twins.films[:, 0]).float().abs().amax(1)
    change = F.adaptive_max_pool2d(change[:, None], (GRID, GRID))[:, 0]
    covered = twins.share[:, KINDS.index("colour_patches")]
    assert covered.sum() == 2 and twins.share.sum() == 2
    assert (change[covered > 0] > 0.9 * change.amax((1, 2))).all()


def test_a_scan_of_twins_has_the_same_grain_twice_and_other_grain_each_time(lying):
    torch.manual_seed(0)
    films, inside = (torch.from_numpy(np.stack([part] * 2)) for part in lying[0])
    twins = films[:, None].expand(-1, 2, -1, -1, -1), inside[:, None].expand(-1, 2, -1, -1)
    first, second = training.shown(*twins)
    assert first.shape == (2, 6, *SIZE)
    assert torch.equal(first[0], first[1]) and not torch.equal(first[0], second[0])


def test_training_makes_what_the_network_takes_as_the_verdict_does(lying):
    planes = [planes.astype(np.float32) for planes, _ in lying[:3]]
    inside = [INSIDE_SMALL, INSIDE_SMALL, lying[2][1]]
    together = pairs.standard(torch.from_numpy(np.stack(planes)), torch.from_numpy(np.stack(inside)))
    shown = pairs.inputs(together)
    answers = torch.randn(3, len(ANSWERS), 16, 24)
    for k in range(3):
        assert together[k].numpy() == pytest.approx(standard(planes[k], inside[k]), abs=0.01)
        assert shown[k].numpy() == pytest.approx(inputs(together[k].numpy()), abs=1e-4)
        assert training._joined(answers)[k].numpy() == pytest.approx(of_kinds(answers[k].numpy()))


def test_training_finds_what_tells_twins_apart(lying, monkeypatch, quick):
    # On AVX-512, oneDNN 3.13 writes past its buffers in a strided 1 × 1 convolution of fewer channels than 16.
    monkeypatch.setattr(marks_network, "CHANNELS", (16, 16, 16, 16))
    monkeypatch.setattr(pairs, "SEVERITIES", (3.0, 3.0))
    own, made = captured("colour_patches"), pairs.Twins(lying, pairs.ENDLESS, ANSWERS, training.CELLS)
    parts = [own.films, own.inside, own.share]
    network = learn.fit(MarksNetwork(), made, parts, training.loss, 2, rate=training.RATE, decay=training.DECAY)
    some = [pairs.Twins(lying, 1000, ANSWERS, training.CELLS)[i] for i in range(900, 930)]
    films, inside = (torch.stack([one[part] for one in some]) for part in (0, 1))
    torch.manual_seed(1)
    shown = training.shown(films, inside[:, None].expand(-1, 2, -1, -1)).flatten(0, 1)
    with torch.no_grad():
        found = network(shown).numpy()
    assert roc_auc_score(np.tile([0, 1], 30), found.max((1, 2, 3))) > 0.8
    net = {name: tensor.astype(np.float32) for name, tensor in network.tensors().items()}  # in half precision
    for one, expected in zip(shown.numpy()[:4], found, strict=False):
        assert weigh(one, net) == pytest.approx(expected, abs=0.02 * float(np.abs(found).max()))


def test_training_goes_on_from_weights_as_they_are(lying):
    torch.manual_seed(0)
    own, bundled, network = captured("colour_patches"), load_file(FILE), MarksNetwork()
    shown = training.shown(own.films, own.inside).flatten(0, 1)
    network.go_on(bundled, shown)
    with torch.no_grad():
        found = network.eval()(shown).numpy()
    net = {name: tensor.astype(np.float32) for name, tensor in bundled.items()}
    for one, answer in zip(shown.numpy(), found, strict=True):
        assert answer == pytest.approx(weigh(one, net), abs=0.01)
    again = network.tensors()
    assert all(again[name] == pytest.approx(tensor, abs=0.01) for name, tensor in bundled.items())


def test_a_share_of_what_training_went_on_from_stays_and_the_normalisations_are_stated_anew(lying, monkeypatch):
    # On AVX-512, oneDNN 3.13 writes past its buffers in a strided 1 × 1 convolution of fewer channels than 16.
    monkeypatch.setattr(marks_network, "CHANNELS", (16, 16, 16, 16))
    torch.manual_seed(0)
    before, after, own = MarksNetwork(), MarksNetwork(), captured("colour_patches")
    shown = training.shown(own.films, own.inside).flatten(0, 1)
    expected = [0.15 * old + 0.85 * new for old, new in zip(before.parameters(), after.parameters(), strict=True)]
    mean = mixed(before, after, shown)
    assert all(torch.allclose(one, two) for one, two in zip(mean.parameters(), expected, strict=True))
    with torch.no_grad():
        first = mean.stem[0](shown)
    assert torch.allclose(mean.stem[1].running_mean, first.mean((0, 2, 3)), atol=1e-4)
    assert torch.allclose(mean.stem[1].running_var, first.var((0, 2, 3)), rtol=1e-2) and not mean.training


@pytest.fixture(scope="module")
def drawn_set(tmp_path_factory) -> Path:
    return simulate(tmp_path_factory.mktemp("marks") / "drawn", count=40, seed=5)


def test_the_command_trains_and_tells_how_well(drawn_set, tmp_path, monkeypatch, capsys, quick):
    monkeypatch.setattr(training, "FILE", tmp_path / "new.safetensors")
    monkeypatch.setattr(sys, "argv", ["marks.py", str(drawn_set), "--minutes", "0.05"])
    training.main()
    said = capsys.readouterr().out
    new, bundled = load_file(tmp_path / "new.safetensors"), load_file(FILE)
    assert {name: tensor.shape for name, tensor in new.items()} == {name: one.shape for name, one in bundled.items()}
    for kind in KINDS:
        assert re.search(rf"{kind} +(\d\.\d{{3}}|–)  \(\d+ frames with it, \d+ without damage\)", said)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--init", str(FILE)])
    training.main()
    further = load_file(tmp_path / "new.safetensors")
    apart = [np.abs(net["head.weight"] - bundled["head.weight"]).mean() for net in (further, new)]
    assert 0 < apart[0] < apart[1] / 3


def test_some_kinds_alone_are_learnt_further_and_the_first_blocks_stay(drawn_set, tmp_path, monkeypatch, capsys, quick):
    monkeypatch.setattr(training, "FILE", tmp_path / "new.safetensors")
    only = ["--only", "holes", "dye_removal"]
    monkeypatch.setattr(sys, "argv", ["marks.py", str(drawn_set), "--minutes", "0.05", *only])
    with pytest.raises(SystemExit):
        training.main()
    assert "--init" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--init", str(FILE)])
    training.main()
    further, bundled = load_file(tmp_path / "new.safetensors"), load_file(FILE)
    learnt = ("blocks.6.", "blocks.7.", "blocks.8.", "head.")
    for name, tensor in bundled.items():
        gone = np.abs(further[name].astype(np.float32) - tensor).mean()
        assert gone > 1e-5 if name.startswith(learnt) else gone < 1e-6


# Brown and clear spots are one kind.
@pytest.mark.parametrize(
    "kinds, others", [(["holes"], 5), (["residual_spots"], 4), (["holes", "residual_spots"], 3), (KINDS[:-1], 1)]
)
def test_what_is_said_of_all_other_kinds_is_held_to_what_it_was(lying, kinds, others):
    network, own = MarksNetwork(), captured(kinds[-1])
    made = [part[None] for part in pairs.Twins(lying, 1, ANSWERS, training.CELLS)[0]]
    network.go_on(load_file(FILE), training.shown(own.films, own.inside).flatten(0, 1))
    held, parts = Held(network), [own.films, own.inside, own.share]

    @torch.no_grad()
    def loss() -> float:
        torch.manual_seed(0)
        return float(training.loss_of_some(held, made, parts, [KINDS.index(kind) for kind in kinds]))

    first = loss()
    network.head.bias.data[KINDS.index("dye_removal")] += 2
    assert loss() - first == pytest.approx(training.KEEP * 2**2 / others, rel=0.05)


def test_where_all_kinds_learn_further_none_is_held(lying):
    network, own = MarksNetwork(), captured("holes")
    made = [part[None] for part in pairs.Twins(lying, 1, ANSWERS, training.CELLS)[0]]
    network.go_on(load_file(FILE), training.shown(own.films, own.inside).flatten(0, 1))
    parts = [own.films, own.inside, own.share]
    assert torch.isfinite(training.loss_of_some(Held(network), made, parts, list(range(len(KINDS)))))


@pytest.mark.parametrize("net", [None, {}, {"head.weight": np.zeros((4, 160, 1, 1), np.float16)}])
def test_weights_that_are_missing_or_of_another_network_are_named(drawn_set, tmp_path, monkeypatch, capsys, net):
    init = tmp_path / "init.safetensors"
    if net is not None:
        save_file(net, init)
    monkeypatch.setattr(training, "FILE", tmp_path / "new.safetensors")
    monkeypatch.setattr(sys, "argv", ["marks.py", str(drawn_set), "--init", str(init)])
    with pytest.raises(SystemExit):
        training.main()
    assert str(init) in capsys.readouterr().err and not (tmp_path / "new.safetensors").exists()
