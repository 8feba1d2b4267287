"""A photographer labels a few frames: the verdicts on the others move the right way, and nothing else moves."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from datasets import Dataset
from PIL import Image
from sklearn.metrics import roc_auc_score

import composite
from conftest import ROOT
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import Judge, load
from data import build
from hub.cards import model_card
from learning.dataset import prepare_dataset
from learning.head import fit_head, seen
from learning.model import initial_model, save_model
from learning.predict import predict
from own_film import Setup
from simulator.scenes import draw

SIZE = 192  # pixels of the long side that the network sees, so that a frame takes 20 ms
SCORE = {"damaged": 0.0, "check": 0.5, "readable": 1.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A working directory with `labelled` and `others`: frames of one film that is faded and grainy, on one camera;
    every other one is damaged, by code of the benchmarks."""
    folder, setup = tmp_path_factory.mktemp("own"), Setup.draw(1)
    for name, numbers in {"labelled": range(24), "others": range(24, 40)}.items():
        (folder / name).mkdir()
        lines = ["picture,normal"]
        for n in numbers:
            scene = folder / "scene.png"
            Image.fromarray(np.rint(draw(np.random.default_rng(n)) * 255).astype(np.uint8)).resize((360, 240)).save(
                scene
            )
            maker = composite.MAKERS[n // 2 % 3] if n % 2 else composite.clean
            damaged, _ = composite.composite(setup.photograph(scene, n), maker, 3, n)
            (folder / name / f"{n}.jpg").write_bytes(damaged)
            lines.append(f"{n}.jpg,{int(n % 2 == 0)}")
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    build(folder / "labelled", folder / "labelled.csv", folder / "mine")
    return folder


@pytest.fixture(scope="module")
def own(place) -> Path:
    """The run of the documented command."""
    command = [sys.executable, ROOT / "train" / "run.py", "--data", "mine", "--init", ROOT / "space" / "weights"]
    done = subprocess.run([*command, "--input-size", str(SIZE)], cwd=place, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return place / "runs" / "mine-1"


def verdicts(judge: Judge, place: Path) -> tuple[np.ndarray, np.ndarray]:
    """(2, 8) of each P(normal) and what the word is worth: of the readable others, and of the damaged ones."""
    judge = Judge(replace(judge.model, input_size=SIZE))
    said = [judge.judge(open_scan(place / "others" / f"{n}.jpg")) for n in range(24, 40)]
    p = np.array([verdict.p_normal for verdict in said]).reshape(-1, 2).T
    return p, np.array([SCORE[verdict.verdict] for verdict in said]).reshape(-1, 2).T


def test_labels_move_the_verdicts_on_the_photographers_other_frames_the_right_way(place, own):
    (before, words_before), (after, words_after) = (verdicts(load(path), place) for path in (None, own / "model"))
    # By their order: what was wrong and sure becomes less sure too, so that the means may come closer.
    order_before, order_after = (roc_auc_score(np.repeat([1, 0], 8), p.ravel()) for p in (before, after))
    assert order_after > order_before
    gap_before, gap_after = (word[0].mean() - word[1].mean() for word in (words_before, words_after))
    assert gap_after >= gap_before  # of three words, so coarse that it may stay as it is


def test_all_but_the_label_stays_as_it_came(own):
    before, after = (load(path).model for path in (None, own / "model"))
    for name, old in before.weights.items():
        new, same = after.weights[name], slice(2, None) if name.startswith("head.") else ...  # but the label's two rows
        assert np.array_equal(old[same], new[same]), name
    assert not np.array_equal(before.weights["head.weight"][:2], after.weights["head.weight"][:2])
    assert before.calibration == after.calibration  # 2 or 3 damaged frames on validation are no basis for another


def test_report_and_card_say_what_was_trained(own):
    result = json.loads((own / "report.json").read_text())
    assert result["head_only"] and result["epochs"] == 0
    page = (own / "report.html").read_text()
    assert "The head was fitted to" in page and "Not trained" not in page
    assert "fitted the head alone" in model_card(own, "user/own", [])


@pytest.fixture(scope="module")
def rows(place) -> Dataset:
    """The labelled frames as the network sees them; of each the damage `noise` is known, of half of them."""
    names = sorted((place / "labelled").glob("*.jpg"), key=lambda path: int(path.stem))
    listed = [
        {"image": {"path": str(path), "bytes": None}, "name": path.name, "label": 1 - n % 2, "noise": n % 6 == 1}
        for n, path in enumerate(names)
    ]
    return prepare_dataset(Dataset.from_list(listed), SIZE)


def test_a_kind_of_damage_that_is_labelled_is_learnt_too(rows):
    model, accelerator = initial_model(str(ROOT / "space" / "weights"), ("noise",), SIZE), Accelerator(cpu=True)
    inputs, noisy = seen(accelerator, model, rows), np.array(rows["defects"])[:, 0] == 1
    fitted = fit_head(model, inputs, rows, ("noise",))
    inputs = torch.from_numpy(inputs[:, 1]).float()
    before, after = ((inputs @ m.head.weight[2, :].detach() + m.head.bias[2].detach()).numpy() for m in (model, fitted))
    gap_before, gap_after = (np.mean(z[noisy]) - np.mean(z[~noisy]) for z in (before, after))
    assert gap_after > gap_before


def test_what_the_head_is_fitted_to_is_what_the_network_answers_from(rows):
    """The label's pooled channels, and those of each kind of damage where the frame shows it most."""
    model, accelerator = initial_model(str(ROOT / "space" / "weights"), ("noise",), SIZE), Accelerator(cpu=True)
    inputs = torch.from_numpy(seen(accelerator, model, rows)).float()
    logits = torch.einsum("nrd,rd->nr", inputs[:, [0, 0, 1]], model.head.weight)
    (label, defects, _), _ = predict(accelerator, model, rows, torch.ones(2))
    torch.testing.assert_close(logits + model.head.bias, torch.cat([label, defects], 1), rtol=1e-3, atol=1e-3)


def test_the_head_is_fitted_to_the_same_bytes_every_time(rows, tmp_path):
    model, accelerator = initial_model(str(ROOT / "space" / "weights"), (), SIZE), Accelerator(cpu=True)
    bytes_of = []
    for name in ("one", "two"):
        save_model(fit_head(model, seen(accelerator, model, rows), rows, ()), model.calibration, tmp_path / name)
        bytes_of.append((tmp_path / name / "model.safetensors").read_bytes())
    assert bytes_of[0] == bytes_of[1]
