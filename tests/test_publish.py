"""To the Hub and back with the real client: train, publish, pull by commit into nothing, and get the same verdict."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from gradio_client import handle_file
from huggingface_hub import HfApi
from PIL import Image

import publish
import rolls
from conftest import ROOT
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load
from film import eight_bit, frame
from hub import cards
from served import served

OTHERS = "sklearn pandas datasets accelerate evaluate gradio tifffile imagecodecs rawpy pillow_heif torchvision"


def command(hub, home: Path, *words: object, cwd: Path, token: bool = True) -> subprocess.CompletedProcess:
    """Run a command as another user: with a separate Hugging Face home, and only the library of this repository."""
    environment = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
    environment["PYTHONPATH"] = str(ROOT / "space")
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": hub.endpoint} | ({"HF_TOKEN": hub.token} if token else {})
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=240)
    assert hub.token not in done.stdout + done.stderr, "a token is never printed"
    return done


@pytest.fixture(scope="module")
def trained(hub, tmp_path_factory) -> tuple[Path, str]:
    """A run that published itself at its end, and what it printed."""
    place = tmp_path_factory.mktemp("training")
    rolls.simulated(place / "film")
    run = [sys.executable, ROOT / "train/run.py", "--data", place / "film", "--name", "small", "--epochs", "1"]
    run += ["--input-size", "64", "--batch-size", "8", "--push-to-hub", "tester/small"]
    done = command(hub, place / "home", *run, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "runs/small", done.stdout


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "frame.jpg"
    Image.fromarray(eight_bit(frame(seed=7))).resize((2400, 1600)).save(path, quality=95)  # so large, decoded small
    return path


def test_a_run_publishes_its_model_in_one_commit_with_all_that_it_needs(hub, trained):
    run, said = trained
    repo = hub.repos["models", "tester/small"]
    assert repo.messages == ["Publish the model"]
    assert f"published as tester/small@{repo.branches['main']}" in said
    files = hub.files("tester/small")
    assert files["model.safetensors"] == (run / "model/model.safetensors").read_bytes()
    assert files["config.json"] == (run / "model/config.json").read_bytes()
    sources = {path for path in (ROOT / "space/darkroom").rglob("*.*") if path.suffix != ".pyc" and path.is_file()}
    package = {path.relative_to(ROOT / "space").as_posix() for path in sources}
    names = ("curves", "learning_rate", "confusion", "reliability", "coverage_risk")
    pictures = {f"report/{name}.png" for name in names}
    assert set(files) == {"model.safetensors", "config.json", "model.onnx", "README.md", "LICENSE"} | package | pictures


def test_the_card_tells_what_the_run_measured_and_nothing_else(hub, trained):
    run, _ = trained
    text = hub.files("tester/small")["README.md"].decode()
    report = json.loads((run / "report.json").read_text())
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["license"] == "apache-2.0" and head["pipeline_tag"] == "image-classification"
    assert head["library_name"] and head["tags"] and head["metrics"]
    [result] = head["model-index"][0]["results"]
    assert result["dataset"]["split"] == report["split"]
    values = {metric["name"].split(" (")[0]: metric for metric in result["metrics"]}
    shown = {"Balanced accuracy": "balanced_accuracy", "AUROC": "auroc", "Recall of damaged": "recall_damaged"}
    for words, key in shown.items():
        low, high = report["figures"]["intervals"][key]
        assert values[words]["value"] == pytest.approx(report["figures"][key], abs=1e-4)
        assert f"{low:.3f}–{high:.3f}" in values[words]["name"]
        assert f"| {words} | {report['figures'][key]:.3f} | {low:.3f}–{high:.3f} |" in text
    for kind, rate in report["heat_hits"].items():
        assert re.search(rf"\| {kind} \|.*\| {100 * rate:.0f} % \(\d+–\d+ %\) \|", text), kind
    for heading in ("Intended use", "How to use it", "Training", "Limits", "Bias", "Carbon and time"):
        assert f"\n## {heading}\n" in text
    for picture in re.findall(r"\]\((report/[^)]+)\)", text):
        assert picture in hub.files("tester/small")
    for never in (str(run.parents[1]), "{{", "More Information"):
        assert never not in text
    assert "pictures that training did not see" in text and "Nothing says which pictures belong together" in text


def test_a_folder_is_not_taken_for_a_data_set_on_the_hub_and_no_path_is_published(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained[0], run)
    report = json.loads((run / "report.json").read_text())

    def card(**changes: object) -> str:
        (run / "report.json").write_text(json.dumps(report | changes))
        return cards.model_card(run, "tester/small", [])

    local = report["settings"] | {"data": "data/mine"}
    assert "datasets:" not in card(settings=local) and "datasets:\n- data/mine" in card(settings=local, on_hub=True)
    assert "--data=film" in card(command="train/run.py --data=/home/ada/film --init ../mine")
    assert "/home/ada" not in card(command="train/run.py --data=/home/ada/film") and not report["on_hub"]
    flattering = card(split="validation", grouped=True)
    assert "chose the weights and thresholds" in flattering and "of one source or roll are in one split" in flattering


def test_the_cards_training_time_is_that_of_its_epochs(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained[0], run)
    report = json.loads((run / "report.json").read_text())
    frames, minutes = report["counts"]["train"], 3
    epoch = json.loads((run / "epochs.jsonl").read_text()) | {"images_per_second": frames / (60 * minutes)}
    (run / "epochs.jsonl").write_text(f"{json.dumps(epoch)}\n" * 2)
    assert f"About {2 * minutes} minutes of training" in cards.model_card(run, "tester/small", [])


def test_the_card_of_a_calibration_says_how_its_network_was_trained(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained[0], "first")
    report = json.loads(Path("first/report.json").read_text())
    calibrated = report | {"command": "train/run.py --epochs 0", "epochs": 0, "best_epoch": 0}
    calibrated["settings"] = report["settings"] | {"init": "first/model"}
    calibrated["counts"] = report["counts"] | {"validation": sum(report["counts"].values()) - report["counts"]["test"]}
    shutil.copytree(trained[0], "second")
    Path("second/report.json").write_text(json.dumps(calibrated))
    card = cards.model_card(Path("second"), "tester/small", [])
    counts = calibrated["counts"]
    assert f"{counts['validation']} validation, {counts['test']} test pictures" in card and "train," not in card
    assert f"an earlier run, on {report['counts']['train']} other pictures: `run.py --data film --name small" in card
    shutil.rmtree("first")  # a model from elsewhere
    assert "an earlier run" not in cards.model_card(Path("second"), "tester/small", [])


def test_publishing_again_makes_no_commit_and_a_changed_model_makes_one(logged_in, trained):
    run, repo = trained[0], logged_in.repos["models", "tester/small"]
    before = repo.branches["main"]
    assert publish.publish_model(run, "tester/small", tag="v1") == before
    assert repo.branches["main"] == before and repo.tags == {"v1": before} and len(repo.messages) == 1

    report = run / "report.json"
    text = report.read_text()
    report.write_text(text.replace('"epochs": 1', '"epochs": 2'))
    try:
        with pytest.raises(publish.PublishError, match="v1 names"):
            publish.publish_model(run, "tester/small", tag="v1", revision="next")
    finally:
        report.write_text(text)
    assert repo.branches["main"] == before and repo.branches["next"] != before and len(repo.messages) == 2
    assert "2 epochs" in logged_in.files("tester/small", revision="next")["README.md"].decode()


def snippet(card: str, name: str) -> str:
    return re.search(rf"<!-- snippet: {name} -->\n```python\n(.*?)```", card, re.DOTALL)[1]


def test_hf_download_and_the_cards_snippets_give_the_verdict_of_scoring(hub, trained, picture, tmp_path):
    """Run a snippet of the card in an empty folder, with only the packages that the card installs."""
    expected = load(trained[0] / "model").judge(open_scan(picture)).p_normal
    hf = Path(sys.executable).with_name("hf")
    words = [hf, "download", "tester/small", "--local-dir", "bare"]
    done = command(hub, tmp_path / "home", *words, cwd=tmp_path, token=False)
    assert done.returncode == 0, done.stderr
    bare = tmp_path / "bare"
    (bare / "frame.jpg").write_bytes(picture.read_bytes())
    card = (bare / "README.md").read_text()
    for name, absent in (("library", OTHERS + " torch onnxruntime"), ("onnx", OTHERS + " torch ncnn huggingface_hub")):
        blocked = f"import sys; sys.modules.update(dict.fromkeys({absent.split()!r}))\n"
        code = blocked + snippet(card, name).replace("verdict.defects)", "verdict.defects)\nprint(verdict.p_normal)")
        code = code.replace("\nprint", "\nimport darkroom\nprint(darkroom.__file__)\nprint", 1)
        done = command(hub, tmp_path / "home", sys.executable, "-c", code, cwd=bare, token=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(bare)), "the package beside the weights, not ours"
        assert float(done.stdout.split()[-1]) == pytest.approx(expected, abs=1e-5 if name == "library" else 1e-4)


def test_the_onnx_file_takes_any_number_of_pictures_of_any_shape_and_agrees(hub, trained):
    import onnxruntime

    session = onnxruntime.InferenceSession(hub.files("tester/small")["model.onnx"])
    from darkroom.judge.resnet import ResNet18, to_float

    model = ResNet18.of(load(trained[0] / "model").model)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 96, 64), dtype=np.uint8)
    span = np.linspace(0.1, 1, 5, dtype=np.float32)
    for count in (1, 5):
        with torch.no_grad():
            expected = model(to_float(torch.from_numpy(pixels[:count])), torch.from_numpy(span[:count]))
        given = {"pixels": pixels[:count], "span": span[:count]}
        for got, want in zip(session.run(None, given), expected, strict=True):
            np.testing.assert_allclose(got, want.numpy(), atol=1e-4)


def test_scoring_pulls_a_commit_into_an_empty_cache(hub, trained, picture, tmp_path):
    commit = hub.repos["models", "tester/small"].branches["main"]
    words = [sys.executable, ROOT / "train/score.py", picture, "--output", "v.csv"]
    words += ["--weights", f"tester/small@{commit}"]
    done = command(hub, tmp_path / "home", *words, cwd=tmp_path, token=False)
    assert done.returncode == 0, done.stderr
    expected = load(trained[0] / "model").judge(open_scan(picture)).p_normal
    p_normal = float((tmp_path / "v.csv").read_text().splitlines()[1].split(",")[2])
    assert p_normal == pytest.approx(expected, abs=1e-5)


def test_the_page_pulls_a_commit_into_an_empty_cache_and_gives_the_verdict(hub, trained, picture, tmp_path):
    commit = hub.repos["models", "tester/small"].branches["main"]
    expected = load(trained[0] / "model").judge(open_scan(picture))
    model = {"MODEL_ID": "tester/small", "MODEL_REVISION": commit, "HF_HOME": str(tmp_path / "home")}
    with served(tmp_path, **model) as client:
        answer = client.predict(handle_file(picture), 0.5, api_name="/judge")[1]
    assert answer["p_normal"] == pytest.approx(expected.p_normal, abs=1e-5)
    assert answer["verdict"] == expected.verdict
    assert (tmp_path / "home/hub/models--tester--small/snapshots" / commit / "model.safetensors").exists()


def test_a_push_that_fails_leaves_the_weights_and_says_how_to_go_on(logged_in, trained, capsys, monkeypatch):
    run = trained[0]
    with pytest.raises(publish.PublishError) as caught:
        logged_in.fault("POST /api/models/tester/small/commit", times=9, status=500)
        logged_in.repos["models", "tester/small"].commit("main", {}, "emptied by hand")
        publish.publish_trained(run, "tester/small")
    message = str(caught.value)
    assert f"python train/publish.py model {run} --repo tester/small" in message and "HTTP status 500" in message
    assert load(run / "model")
    logged_in.faults.clear()
    publish.publish_trained(run, "tester/small")
    assert "model.safetensors" in logged_in.files("tester/small")


def test_no_login_a_wrong_token_and_an_unfinished_run_are_each_one_line(hub, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    run, repo = trained[0], "tester/small"
    cases = [(None, run, repo, "hf auth login"), ("hf_wrong", run, repo, "did not accept")]
    cases += [(hub.token, tmp_path, repo, "not finished"), (hub.token, run, "a/b/c", "write user/name")]
    for token, run, repo, words in cases:
        if token:
            monkeypatch.setenv("HF_TOKEN", token)
        assert publish.main(["model", str(run), "--repo", repo]) == 2
        said = capsys.readouterr()
        assert words in said.err and len(said.err.strip().splitlines()) == 1
        assert not token or token not in said.err + said.out


def test_a_private_model_is_private(logged_in, trained):
    publish.publish_model(trained[0], "tester/hidden", private=True)
    assert logged_in.repos["models", "tester/hidden"].private
    with pytest.raises(Exception, match="401|Not Found"):
        HfApi().model_info("tester/hidden", token=False)


def test_the_space_is_uploaded_as_it_stands_and_judges_with_the_pinned_model(logged_in, trained):
    commit = logged_in.repos["models", "tester/small"].branches["main"]
    logged_in.put("tester/room", {"old.py": b"stale", ".gitattributes": b"kept"}, "spaces")
    publish.publish_space("tester/room", "tester/small")
    files = logged_in.files("tester/room", "spaces")
    kept = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    wanted = set(subprocess.check_output(kept, cwd=ROOT / "space", text=True).splitlines())
    assert set(files) == wanted | {".gitattributes"}
    assert files["app.py"] == (ROOT / "space/app.py").read_bytes()
    variables = logged_in.repos["spaces", "tester/room"].variables
    assert variables == {"MODEL_ID": "tester/small", "MODEL_REVISION": commit}
    variables["FLAG_DATASET"] = "tester/flags"
    publish.publish_space("tester/room")
    assert variables == {"FLAG_DATASET": "tester/flags"}, "back to the bundled weights, and nothing else is touched"


def test_no_token_is_in_anything_published(hub, trained):
    assert hub.holds("library_name") and not hub.holds(hub.token) and not hub.holds("hf_wrong")
