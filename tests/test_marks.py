"""Damage by its shape: found where it is, in a frame of any size, either way up; twins differ by it."""

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
from darkroom.marks import ANSWERS, FILE, KINDS, SIZE, found_in, inputs, marks, of_kinds, reduced, standard, weigh
from darkroom.resnet import DEFECTS
from film import drawn, grainy
from marks_network import Held, MarksNetwork, mixed
from safetensors.numpy import load_file, save_file
from sight import visibility
from simulate import simulate
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

SHAPE = grainy().shape[:2]
INSIDE = np.ones(SHAPE, bool)
INSIDE_SMALL = np.arange(SIZE[1]) > np.full((SIZE[0], 1), 40)
DISC = np.hypot(*(np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] - np.array([150, 200])[:, None, None]))  # in row 7, column 6


def damaged(density: np.ndarray, kind: str) -> np.ndarray:
    if kind == "blank_area":
        return density + np.clip(90 - DISC, 0, 1)[..., None] * (1.8 - density)
    if kind == "holes":
        return density * np.clip(DISC - 9, 0, 1)[..., None]
    if kind == "colour_patches":
        return density - np.clip((34 - DISC) / 20, 0, 1)[..., None] * (0.22, 0.12, 0.05)
    if kind == "air_bells":
        return density - np.clip(9 - DISC, 0, 1)[..., None] * (density - density.min((0, 1))) * 0.8
    if kind == "residual_spots":
        return density + np.clip(6 - DISC, 0, 1)[..., None] * (0.2, 0.5, 1.4)
    streaked = density.copy()
    streaked[148:151, 60:430] *= (0.75, 0.6, 0.4)
    return streaked


@pytest.mark.parametrize("kind", ANSWERS)
def test_damage_is_found_where_it_is(kind):
    frames = [drawn(seed) for seed in range(5)]
    gains = np.stack([marks(damaged(frame, kind), INSIDE) - marks(frame, INSIDE) for frame in frames])
    named = KINDS.index("residual_spots" if kind == "air_bells" else kind)
    assert np.median(gains[:, named].max((1, 2))) > 3
    assert np.mean(gains.max((2, 3)).argmax(1) == named) > 0.5
    rows, columns = np.unravel_index(gains[:, named].reshape(len(frames), -1).argmax(1), (GRID, GRID))
    near = (abs(rows - 7) <= 1) & (abs(columns - 6) <= 1)
    if kind in ("blank_area", "dye_removal"):  # wide: anywhere on it
        near = (abs(rows - 7) <= 3) & (columns >= 2) & (columns <= 13)
    assert near.mean() >= 0.8


@pytest.mark.parametrize("radius", [11, 20, 34])
def test_a_round_hole_is_found_however_large_a_punch_made_it(radius):
    frames = [drawn(seed) for seed in range(8)]
    disc = np.clip(radius - DISC, 0, 1)[..., None]
    sound, punched = (
        np.array([marks(density, INSIDE)[KINDS.index("holes")].max() for density in films])
        for films in (frames, [density * (1 - disc) + 0.03 * disc for density in frames])
    )
    assert sound.max() < 0 and np.median(punched) > 2


def test_an_upright_frame_is_answered_upright():
    lying = damaged(grainy(0), "colour_patches")
    expected = np.rot90(marks(lying, INSIDE), -1, (1, 2))
    assert marks(np.rot90(lying, -1), np.rot90(INSIDE)) == pytest.approx(expected, abs=1e-4)


def test_a_frame_on_its_head_is_answered_so():
    lying = reduced(damaged(grainy(0), "residual_spots"), INSIDE)
    turned = [part[..., ::-1, ::-1] for part in lying]
    net = load_file(FILE)
    assert found_in(*turned, net)[:, ::-1, ::-1] == pytest.approx(found_in(*lying, net), abs=0.02)


def test_the_light_of_the_scan_and_a_holder_change_nothing():
    density, inside = grainy(1), INSIDE.copy()
    expected = marks(density, INSIDE)
    assert marks(density + (0.3, 0.1, -0.2), INSIDE) == pytest.approx(expected, abs=1e-3)
    inside[:, 400:] = False
    held = marks(np.where(inside[..., None], density, 3.5), inside)
    assert held[..., :9] == pytest.approx(expected[..., :9], abs=1.5)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (63, 20), (64, 64)])
def test_a_picture_of_any_size_and_of_one_density_gives_finite_numbers(shape):
    found = marks(np.full((*shape, 3), 1.0), np.ones(shape, bool))
    assert found.shape == (len(KINDS), GRID, GRID) and np.isfinite(found).all()


def test_a_frame_that_is_all_border_gives_finite_numbers():
    assert np.isfinite(marks(grainy(0), ~INSIDE)).all()


@pytest.fixture(scope="module")
def frames() -> list[tuple[np.ndarray, np.ndarray]]:
    return [reduced(grainy(seed), INSIDE) for seed in range(12)]


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


def test_twins_differ_where_the_map_says_and_nowhere_else(frames):
    twins = pairs.Twins(frames, 6, ANSWERS, training.CELLS)
    for films, inside, share in (twins[i] for i in range(6)):
        assert films.shape == (2, 3, *SIZE) and inside.shape == SIZE and share.shape == (len(ANSWERS), 16, 24)
        assert share.max() > 0.4
        change = (films[1] - films[0]).float().abs().amax(0)
        change, covered = F.adaptive_max_pool2d(change[None], (16, 24))[0], share.amax(0)
        assert change[covered > 0.4].median() > 3 * change[covered == 0].median()


def test_patches_that_twins_get_end_nearby(frames):
    twins = pairs.Twins(frames, 12, ("colour_patches",), training.CELLS)
    for films, _, _ in (twins[i] for i in range(12)):
        sound, damaged = films.float().numpy().transpose(0, 2, 3, 1)
        seen, ending = visibility(sound, damaged)
        assert ending.sum() > 0.3 * seen.sum() > 0


def test_the_same_twins_are_the_same_and_others_are_others(frames):
    twins = pairs.Twins(frames, 9, ANSWERS, training.CELLS)
    assert torch.equal(twins[3][0], twins[3][0]) and not torch.equal(twins[3][0], twins[4][0])


@pytest.mark.parametrize("turned", [0, 1])
def test_the_simulators_twins_are_learnt_from_with_the_map_where_the_damage_is(turned):
    twins = captured("colour_patches", turned)
    assert twins.films.shape == (2, 2, 3, *SIZE) and len(twins.sound) == 2
    change = (twins.films[:, 1] - twins.films[:, 0]).float().abs().amax(1)
    change = F.adaptive_max_pool2d(change[:, None], (GRID, GRID))[:, 0]
    covered = twins.share[:, KINDS.index("colour_patches")]
    assert covered.sum() == 2 and twins.share.sum() == 2
    assert (change[covered > 0] > 0.9 * change.amax((1, 2))).all()


def test_a_scan_of_twins_has_the_same_grain_twice_and_other_grain_each_time(frames):
    torch.manual_seed(0)
    films, inside = (torch.from_numpy(np.stack([part] * 2)) for part in frames[0])
    twins = films[:, None].expand(-1, 2, -1, -1, -1), inside[:, None].expand(-1, 2, -1, -1)
    first, second = training.shown(*twins)
    assert first.shape == (2, 6, *SIZE)
    assert torch.equal(first[0], first[1]) and not torch.equal(first[0], second[0])


def test_training_makes_what_the_network_takes_as_the_verdict_does(frames):
    planes = [planes.astype(np.float32) for planes, _ in frames[:3]]
    inside = [INSIDE_SMALL, INSIDE_SMALL, frames[2][1]]
    together = pairs.standard(torch.from_numpy(np.stack(planes)), torch.from_numpy(np.stack(inside)))
    shown = pairs.inputs(together)
    answers = torch.randn(3, len(ANSWERS), 16, 24)
    for k in range(3):
        assert together[k].numpy() == pytest.approx(standard(planes[k], inside[k]), abs=0.01)
        assert shown[k].numpy() == pytest.approx(inputs(together[k].numpy()), abs=1e-4)
        assert training._joined(answers)[k].numpy() == pytest.approx(of_kinds(answers[k].numpy()))


def test_training_finds_what_tells_twins_apart(frames, monkeypatch, quick):
    # On AVX-512, oneDNN 3.13 writes past its buffers in a strided 1 × 1 convolution of fewer channels than 16.
    monkeypatch.setattr(marks_network, "CHANNELS", (16, 16, 16, 16))
    monkeypatch.setattr(pairs, "SEVERITIES", (3.0, 3.0))
    own, made = captured("colour_patches"), pairs.Twins(frames, pairs.ENDLESS, ANSWERS, training.CELLS)
    parts = [own.films, own.inside, own.share]
    network = learn.fit(MarksNetwork(), made, parts, training.loss, 2, rate=training.RATE, decay=training.DECAY)
    some = [pairs.Twins(frames, 1000, ANSWERS, training.CELLS)[i] for i in range(900, 930)]
    films, inside = (torch.stack([one[part] for one in some]) for part in (0, 1))
    torch.manual_seed(1)
    shown = training.shown(films, inside[:, None].expand(-1, 2, -1, -1)).flatten(0, 1)
    with torch.no_grad():
        found = network(shown).numpy()
    assert roc_auc_score(np.tile([0, 1], 30), found.max((1, 2, 3))) > 0.8
    net = {name: tensor.astype(np.float32) for name, tensor in network.tensors().items()}  # in half precision
    for one, expected in zip(shown.numpy()[:4], found, strict=False):
        assert weigh(one, net) == pytest.approx(expected, abs=0.02 * float(np.abs(found).max()))


def test_training_goes_on_from_weights_as_they_are(frames):
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


def test_a_share_of_what_training_went_on_from_stays_and_the_normalisations_are_stated_anew(frames, monkeypatch):
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


@pytest.mark.parametrize("shape", [(340, 512), (100, 333), (128, 192), (40, 50)])
def test_a_frame_is_reduced_to_the_means_of_its_parts(shape):
    density = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    expected = F.adaptive_avg_pool2d(torch.from_numpy(density).permute(2, 0, 1), SIZE)
    assert reduced(density, np.ones(shape, bool))[0] == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_frame_of_one_density_is_made_standard():
    assert not standard(np.ones((3, *SIZE), np.float32), np.ones(SIZE, bool)).any()


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


def test_one_kind_alone_is_learnt_further_and_the_first_blocks_stay(drawn_set, tmp_path, monkeypatch, capsys, quick):
    monkeypatch.setattr(training, "FILE", tmp_path / "new.safetensors")
    monkeypatch.setattr(sys, "argv", ["marks.py", str(drawn_set), "--minutes", "0.05", "--only", "holes"])
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


@pytest.mark.parametrize("kind, others", [("holes", 5), ("residual_spots", 4)])  # brown and clear spots are one kind
def test_what_is_said_of_all_other_kinds_is_held_to_what_it_was(frames, kind, others):
    network, own = MarksNetwork(), captured(kind)
    made = [part[None] for part in pairs.Twins(frames, 1, ANSWERS, training.CELLS)[0]]
    network.go_on(load_file(FILE), training.shown(own.films, own.inside).flatten(0, 1))
    held = Held(network)

    @torch.no_grad()
    def loss() -> float:
        torch.manual_seed(0)
        return float(training.loss_of_one(held, made, [own.films, own.inside, own.share], KINDS.index(kind)))

    first = loss()
    network.head.bias.data[KINDS.index("dye_removal")] += 2
    assert loss() - first == pytest.approx(training.KEEP * 2**2 / others, rel=0.05)


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
