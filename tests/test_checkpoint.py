"""A run claims its folder, and a checkpoint is complete or absent."""

import argparse
import json
import resource
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from learning.checkpoint import Progress, RunError, claim, newest, release, restore, save


def arguments(**changed) -> argparse.Namespace:
    settings = {"data": "film", "name": None, "resume": False, "epochs": 10, "report_to": None, "lr": 0.1, "seed": 0}
    return argparse.Namespace(**settings | changed)


def test_runs_are_numbered_and_resume_takes_the_last(tmp_path):
    assert claim(tmp_path, arguments(), 1).name == "film-1"
    assert claim(tmp_path, arguments(), 1).name == "film-2"
    assert claim(tmp_path, arguments(resume=True), 1).name == "film-2"
    assert claim(tmp_path, arguments(data="other", resume=True), 1).name == "other-1"  # killed before it had a folder


def test_a_run_of_that_name_is_not_overwritten(tmp_path):
    claim(tmp_path, arguments(name="mine"), 1)
    with pytest.raises(RunError, match="--resume"):
        claim(tmp_path, arguments(name="mine"), 1)


def test_other_settings_cannot_go_on_but_more_epochs_can(tmp_path):
    claim(tmp_path, arguments(name="mine"), 1)
    assert claim(tmp_path, arguments(name="mine", resume=True, epochs=20), 1).name == "mine"
    with pytest.raises(RunError, match="--lr 0.1"):
        claim(tmp_path, arguments(name="mine", resume=True, lr=0.2), 1)
    with pytest.raises(RunError, match="--processes 1"):
        claim(tmp_path, arguments(name="mine", resume=True), 2)


@pytest.mark.parametrize("kept", ["checkpoints/epoch-0001/progress.json", "epochs.jsonl", "model/config.json"])
def test_a_name_is_given_back_only_by_a_run_that_has_nothing_to_show(tmp_path, kept):
    folder = claim(tmp_path, arguments(name="mine"), 1)
    (folder / "events.out.tfevents.1").touch()  # as a tracker makes at once
    release(folder)
    assert not folder.exists()
    folder = claim(tmp_path, arguments(name="mine"), 1)
    (folder / kept).parent.mkdir(parents=True, exist_ok=True)
    (folder / kept).touch()
    release(folder)
    assert (folder / kept).exists() and (folder / "run.json").exists()


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(RunError, match="cannot be written"):
        claim(tmp_path / "runs", arguments(), 1)


@pytest.fixture
def prepared() -> tuple[Accelerator, torch.nn.Module]:
    accelerator = Accelerator(cpu=True)
    return accelerator, accelerator.prepare(torch.nn.Linear(500, 500))


def test_a_checkpoint_brings_everything_back(prepared, tmp_path):
    accelerator, model = prepared
    before = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    progress = Progress(epoch=3, best_epoch=2, best_loss=0.1 + 0.2, history=[{"epoch": 3, "accuracy": 2 / 3}])
    save(accelerator, tmp_path, progress, {"a": torch.ones(2)}, {"b": torch.zeros(3)})
    model.weight.data.zero_()
    loaded, averaged, best = restore(accelerator, newest(tmp_path))
    assert loaded == progress and averaged["a"].sum() == 2 and best["b"].shape == (3,)
    assert torch.equal(model.weight, before["weight"])


def test_only_the_newest_is_kept_and_a_half_written_one_is_never_found(prepared, tmp_path):
    accelerator, _ = prepared
    for epoch in (9, 10):
        save(accelerator, tmp_path, Progress(epoch=epoch), {}, {})
    part = tmp_path / "checkpoints" / "part"
    part.mkdir()
    (part / "progress.json").write_text(json.dumps({"epoch": 11}))
    assert newest(tmp_path).name == "epoch-0010"
    assert sorted(path.name for path in part.parent.iterdir()) == ["epoch-0010", "part"]
    save(accelerator, tmp_path, Progress(epoch=11), {}, {})
    assert [path.name for path in part.parent.iterdir()] == ["epoch-0011"]


def test_a_full_disk_is_one_clear_line_and_the_last_checkpoint_stays(prepared, tmp_path):
    accelerator, _ = prepared
    save(accelerator, tmp_path, Progress(epoch=1), {}, {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # every write beyond fails, as on a full disk
    try:
        with pytest.raises(RunError, match="cannot be written .* are free there; make room") as error:
            save(accelerator, tmp_path, Progress(epoch=2), {}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(error.value)
    assert [path.name for path in Path(tmp_path / "checkpoints").iterdir()] == ["epoch-0001"]
