"""Training as a user starts it: one command, whole files, the same result after a kill and with two processes."""

import glob
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rolls
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load
from hub.cards import model_card

ROOT = Path(__file__).resolve().parents[1]
RUN = str(ROOT / "train" / "run.py")
SETTINGS = ("--epochs", "3", "--batch-size", "8", "--input-size", "64")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A working directory with the data set `holes`: 24, 13 and 13 frames, which no batch or process divides evenly."""
    folder = tmp_path_factory.mktemp("work")
    rolls.simulated(folder / "holes", held_out=13)
    return folder


def train(place: Path, *args: str, launcher: tuple[str, ...] = (sys.executable,), **options) -> subprocess.Popen:
    command = [*launcher, RUN, "--data", "holes", *SETTINGS, *args]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=place, **pipes, **options)


def finished(process: subprocess.Popen) -> str:
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def unbroken(place) -> Path:
    followed = ("--report-to", "tensorboard", "--report-to", "wandb")
    said = finished(train(place, "--name", "unbroken", *followed, env={**os.environ, "WANDB_MODE": "offline"}))
    assert "runs/unbroken/report.html" in said
    return place / "runs" / "unbroken"


def epochs(folder: Path) -> list[dict]:
    records = [json.loads(line) for line in (folder / "epochs.jsonl").read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "images_per_second"} for record in records]


def test_a_run_leaves_everything_that_its_author_wants_to_know(unbroken):
    records = epochs(unbroken)
    assert [record["epoch"] for record in records] == [1, 2, 3]
    assert {"train_loss", "validation_loss", "learning_rate", "accuracy", "f1", "recall_damaged"} <= set(records[0])
    for chart in ("curves", "learning_rate", "confusion", "reliability", "coverage_risk", "confusion/epoch-002"):
        with Image.open(unbroken / f"{chart}.png") as picture:
            assert min(picture.size) > 150
    result = json.loads((unbroken / "report.json").read_text())
    assert result["split"] == "test" and result["figures"]["count"] == 13
    assert result["always_normal"]["recall_damaged"] == 0
    assert result["figures"]["intervals"]["accuracy"][0] <= result["figures"]["accuracy"]
    assert result["defects"]["holes"]["count"] == 7 and result["defects"]["noise"] is None
    assert result["thresholds"]["false_readable"]["promised"] is False  # 7 damaged frames are too few for a guarantee


def test_the_model_is_two_files_that_others_may_read_too(unbroken):
    files = sorted((unbroken / "model").iterdir())
    assert [path.name for path in files] == ["config.json", "model.safetensors"]
    assert files[0].stat().st_mode == files[1].stat().st_mode


def test_a_run_that_cannot_begin_leaves_its_name_to_the_corrected_command(place):
    process = train(place, "--name", "mistyped", "--init", "nowhere")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "nowhere: neither a folder here" in said and "Traceback" not in said
    assert not (place / "runs" / "mistyped").exists()


def test_a_login_that_is_missing_is_said_before_the_training(place):
    process = train(place, "--name", "unpublished", "--push-to-hub", "user/name")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "not logged in" in said and "Traceback" not in said
    assert not (place / "runs" / "unpublished").exists()


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(place):
    process = train(place, "--name", "diverged", "--lr", "1e30")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "the loss is no number" in said and "--lr" in said and "Traceback" not in said
    assert not (place / "runs" / "diverged").exists()  # its name is free for the corrected command


LATER = """
import run
from learning import trainer
right, steps = trainer.losses, []
def losses(*args, **options):
    steps.append(None)
    return right(*args, **options) * (float("nan") if len(steps) > {steps} else 1)
trainer.losses = losses
print(run.run(run.arguments()))
"""


def test_a_loss_that_is_no_number_later_ends_with_the_weights_of_the_best_epoch_before(place):
    code = LATER.format(steps=2 * 3)  # 24 frames are three steps an epoch
    command = [sys.executable, "-c", code, "--data", "holes", *SETTINGS, "--name", "later"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "train", ROOT / "space")))}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "epoch 3: the loss is no number; training ends with the weights of epoch" in done.stderr
    finished(train(place, "--name", "two", "--epochs", "2"))
    later, two = place / "runs" / "later", place / "runs" / "two"
    assert epochs(later) == epochs(two)
    for name in ("model/model.safetensors", "model/config.json", "predictions.csv"):
        assert (later / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.parametrize("path", ["no [such] data", "empty {2024}"])
def test_data_that_cannot_be_used_leave_no_run_folder(place, path):
    (place / "empty {2024}").mkdir(exist_ok=True)
    process = train(place, "--data", path)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and path in said and "Traceback" not in said
    assert not list((place / "runs").glob(f"{glob.escape(path)}*"))


def test_tensorboard_gets_the_curves_that_were_written_down(unbroken):
    written = EventAccumulator(str(unbroken)).Reload()
    for key in ("train_loss", "validation_loss", "learning_rate", "accuracy", "f1", "balanced_accuracy", "auroc"):
        found = written.Scalars(key)
        assert [event.step for event in found] == [1, 2, 3]
        assert [event.value for event in found] == pytest.approx([record[key] for record in epochs(unbroken)])


def test_weights_and_biases_gets_the_figures_that_were_written_down(place, unbroken):
    (log,) = (place / "wandb").glob("offline-run-*/run-*.wandb")
    written = log.read_bytes()  # records with a name and a number in JSON
    for record in epochs(unbroken):
        assert json.dumps(record["validation_loss"]).encode() in written
    assert b"validation_loss" in written


def test_the_page_shows_every_mistake_and_needs_no_network(unbroken):
    page = (unbroken / "report.html").read_text()
    table = pd.read_csv(unbroken / "predictions.csv")
    final = table[table["split"] == "test"]
    wrong = final[(final["p_normal"] >= 0.5) != (final["label"] == 1)]
    assert f"Mistakes: {len(wrong)} of 13" in page
    assert page.count('class="mistake"') == len(wrong)
    assert (unbroken / "mistakes.png").is_file() == bool(len(wrong))  # the largest, in one picture
    places = [page.index(f"<h3>{name}") for name in wrong.sort_values("p_normal", key=lambda p: -abs(p - 0.5))["file"]]
    assert places == sorted(places)
    assert "http://" not in page and "https://" not in page and 'src="data:image/' in page


def test_the_saved_model_judges_as_training_did(unbroken, place):
    judge = load(unbroken / "model")
    table = pd.read_csv(unbroken / "predictions.csv").set_index("file")
    assert len(table) == 26 and table.index.is_unique
    for path in sorted((place / "holes" / "test").glob("*.jpg")):
        verdict = judge.judge(open_scan(path))
        assert verdict.p_normal == pytest.approx(table.loc[path.name, "p_normal"], abs=1e-5)
        assert verdict.verdict == table.loc[path.name, "verdict"]
        assert verdict.defects["holes"] == pytest.approx(table.loc[path.name, "holes"], abs=1e-5)


def test_killed_while_it_writes_a_checkpoint_a_run_resumes_to_the_same_end(unbroken, place):
    folder = place / "runs" / "broken"
    process = train(place, "--name", "broken")
    deadline = time.monotonic() + 200
    while not ((folder / "checkpoints" / "epoch-0001").is_dir() and (folder / "checkpoints" / "part").is_dir()):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (folder / "report.html").exists()

    again = train(place, "--name", "broken")
    said, _ = again.communicate(timeout=100)
    assert again.returncode == 2 and "--resume" in said and "Traceback" not in said

    finished(train(place, "--name", "broken", "--resume"))
    assert epochs(folder) == epochs(unbroken)
    for name in ("model/model.safetensors", "model/config.json", "predictions.csv"):
        assert (folder / name).read_bytes() == (unbroken / name).read_bytes()


def test_a_calibration_alone_keeps_the_weights_and_says_so(unbroken, place):
    finished(train(place, "--name", "anew", "--init", str(unbroken / "model"), "--epochs", "0"))
    folder = place / "runs" / "anew"
    name = "model/model.safetensors"
    assert (folder / name).read_bytes() == (unbroken / name).read_bytes()
    report = json.loads((folder / "report.json").read_text())
    assert report["epochs"] == 0 and report["thresholds"]["false_readable"]["count"] > 7  # train joined validation
    assert "Not trained" in (folder / "report.html").read_text()
    assert model_card(folder, "user/anew", []).count("trained nothing") == 1


def test_a_run_on_squares_ends_with_a_model_for_whole_frames(place):
    finished(train(place, "--name", "cut", "--crop", "32", "--epochs", "1"))
    assert load(place / "runs" / "cut" / "model").model.input_size == 64


def test_blocks_that_are_frozen_stay_to_the_bit_and_the_rest_learns(place, unbroken):
    begun = str(unbroken / "model")
    finished(train(place, "--name", "held", "--init", begun, "--freeze", "6", "--epochs", "1"))
    before, after = (load(model).model.weights for model in (begun, place / "runs" / "held" / "model"))
    same = {name for name in before if np.array_equal(before[name], after[name])}
    frozen = {name for name in before if name.startswith("stem.") or name.split(".")[1] in "012345"}
    assert frozen - {"head.weight", "head.bias"} <= same
    assert "head.weight" not in same and "blocks.6.conv1.weight" not in same and "blocks.7.bn2.running_mean" not in same


def test_a_blend_lies_between_where_training_began_and_where_it_ended(place, unbroken):
    begun = str(unbroken / "model")
    for name, share in (("end", "0"), ("quarter", "0.25")):
        much = ("--freeze", "6", "--epochs", "1", "--lr", "0.01")
        finished(train(place, "--name", name, "--init", begun, *much, "--blend", share))
    folders = (begun, place / "runs" / "end" / "model", place / "runs" / "quarter" / "model")
    began, end, quarter = (load(folder).model.weights["head.weight"] for folder in folders)
    assert np.abs(end - began).max() > 0.01
    np.testing.assert_allclose(quarter, 0.75 * end + 0.25 * began, atol=2e-4)  # stored in half precision
