"""Weights from a folder and from the Hub: the right ones or one clear sentence, whatever fails at the Hub."""

import json
import pickle
import re
import shutil
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from huggingface_hub import file_download
from huggingface_hub.utils import _http
from safetensors.torch import load_file, save_file

from darkroom.film.scan import Scan
from darkroom.hub import pull
from darkroom.hub.card import read_card
from darkroom.judge.calibration import Calibration
from darkroom.judge.verdict import load
from film import eight_bit, frame
from simulator import not_negatives


@pytest.fixture
def published(hub, weights_files) -> str:
    """A model on the Hub that nobody has downloaded yet."""
    name = f"tester/{uuid.uuid4().hex[:12]}"
    hub.put(name, weights_files)
    yield name
    hub.faults.clear()


@pytest.fixture(scope="module")
def weights_files(weights) -> dict[str, bytes]:
    return {name: (weights / name).read_bytes() for name in ("config.json", "model.safetensors")}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Shorten the client's pauses; its behaviour stays the same."""
    monkeypatch.setattr(pull, "PAUSE", 0.01)
    quick = SimpleNamespace(**vars(time) | {"sleep": lambda seconds: None})
    monkeypatch.setattr(file_download, "time", quick)
    monkeypatch.setattr(_http, "time", quick)


def same(judge, folder: Path) -> bool:
    expected = load_file(folder / "model.safetensors")
    found = judge.model.weights
    return found.keys() == expected.keys() and all(np.array_equal(found[name], expected[name]) for name in found)


def downloads(hub, name: str) -> list[str]:
    return [path for method, path in hub.log if method == "GET" and path.startswith(f"/{name}/resolve/")]


def refused(source: str | Path, revision: str | None = None) -> str:
    with pytest.raises(pull.WeightsError) as caught:
        load(source, revision)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message


def test_a_model_is_pulled_by_branch_tag_and_commit_and_says_which_commit_it_is(hub, published, weights, weights_files):
    repo = hub.repos["models", published]
    old = repo.branches["main"]
    repo.tags["v1"] = old
    changed = json.loads(weights_files["config.json"]) | {"input_size": 96}
    new = hub.put(published, weights_files | {"config.json": json.dumps(changed).encode()})

    main, tagged = load(published), load(f"{published}@v1")
    assert (main.revision, main.model.input_size) == (new, 96)
    assert (tagged.revision, tagged.model.input_size) == (old, 64)
    assert load(published, old).model.input_size == 64
    assert load(published, "v1").revision == old
    assert same(main, weights) and main.source == published and main.notice == ""


def test_a_pinned_commit_that_was_downloaded_needs_no_hub(hub, published, weights):
    commit = load(published).revision
    asked = len(hub.log)
    hub.fault("", times=99, silent=True)
    judge = load(f"{published}@{commit}")
    assert same(judge, weights) and judge.notice == "" and len(hub.log) == asked


@pytest.mark.parametrize("how", [{"status": 503}, {"silent": True}])
def test_with_the_hub_down_what_was_downloaded_serves_and_it_says_so(hub, published, weights, how):
    hub.repos["models", published].tags["v1"] = hub.repos["models", published].branches["main"]
    commit = load(published, "v1").revision
    hub.fault("", times=99, **how)
    judge = load(published, "v1")
    assert same(judge, weights) and judge.revision == commit
    assert published in judge.notice and "downloaded earlier" in judge.notice


def test_with_the_hub_down_and_nothing_downloaded_a_script_fails_and_the_page_takes_the_bundled(
    hub, published, weights, monkeypatch
):
    hub.fault("", times=999, silent=True)
    assert "cannot be reached" in refused(published)
    monkeypatch.setattr("darkroom.hub.weights.BUNDLED", weights)
    judge = load(published, bundled_if_down=True)
    assert same(judge, weights) and judge.revision is None
    assert published in judge.notice and "bundled weights" in judge.notice


def test_a_hub_that_stumbles_twice_is_asked_again(hub, published, weights):
    hub.fault(f"/api/models/{published}", times=2, status=502)
    assert same(load(published), weights)


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(hub, published, weights, weights_files):
    hub.fault(r"GET .*model\.safetensors", cut=100_000)
    judge = load(published)
    assert same(judge, weights) and judge.notice == ""
    assert len([path for path in downloads(hub, published) if path.endswith("safetensors")]) == 2


def test_a_slow_download_arrives(hub, published, weights):
    hub.fault(r"GET .*model\.safetensors", slow=0.5)
    assert same(load(published), weights)


def test_a_download_that_never_gets_through_is_one_sentence_and_the_next_try_is_clean(hub, published, weights):
    hub.fault(r"GET .*model\.safetensors", times=50, cut=1000)
    assert published in refused(published)
    hub.faults.clear()
    assert same(load(published), weights)


def test_bytes_that_are_not_what_the_hub_announced_are_thrown_away(hub, published, weights):
    hub.fault(r"GET .*model\.safetensors", wrong=True)
    assert "not what the Hub announced" in refused(published)
    assert same(load(published), weights), "the wrong bytes are not taken from the cache"


def test_a_full_disk_is_reported_as_such(hub, published, monkeypatch):
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)
    message = refused(published)
    assert "No space left on device" in message and "HF_HOME" in message


def test_every_kind_of_no_has_its_own_sentence(hub, published, weights_files, monkeypatch):
    hub.put("tester/private", weights_files, private=True)
    hub.put("tester/gated", weights_files, gated=True)
    hub.put("tester/pickled", {"config.json": weights_files["config.json"], "pytorch_model.bin": b"x"})
    hub.put("tester/bare", {"README.md": b"soon"})
    said = {
        "name": refused("not a name"),
        "repository": refused("tester/small.git"),
        "nowhere": refused("tester/nowhere"),
        "private": refused("tester/private"),
        "revision": refused(published, "v9"),
        "gated": refused("tester/gated"),
        "pickle": refused("tester/pickled"),
        "bare": refused("tester/bare"),
    }
    hub.fault(f"/api/models/{published}", status=403)
    said["token"] = refused(published)
    words = {
        "name": "neither a folder here nor the name of a model",
        "repository": "neither a folder here nor the name of a model",
        "nowhere": "no such model",
        "private": "if it is private log in",
        "revision": "no such revision",
        "gated": "wants to be asked",
        "pickle": "pytorch_model.bin",
        "bare": "no config.json",
        "token": "did not accept your token",
    }
    for case, word in words.items():
        assert word in said[case], case
    assert len({message.split(": ", 1)[1] for message in said.values()}) == len(said) - 2  # names; nowhere and private

    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert load("tester/private").revision and load("tester/gated").revision


@pytest.fixture
def broken(weights, tmp_path) -> Path:
    """A copy of good weights, to be broken."""
    folder = tmp_path / "model"
    shutil.copytree(weights, folder)
    return folder


def test_a_folder_is_loaded_to_the_last_bit(broken, weights):
    judge = load(broken)
    assert same(judge, weights) and judge.source == str(broken) and judge.revision is None


def test_half_precision_is_loaded_into_full(broken):
    state = {k: v.half() if v.is_floating_point() else v for k, v in load_file(broken / "model.safetensors").items()}
    save_file(state, broken / "model.safetensors")
    found = load(broken).model.weights
    assert {x.dtype for x in found.values()} == {np.dtype("float32"), np.dtype("int64")}


def edit_state(folder: Path, change) -> None:
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")


def test_weights_of_another_shape_or_name_are_never_loaded_in_part(broken):
    outputs = len(load_file(broken / "model.safetensors")["head.weight"])
    edit_state(broken, lambda state: state.update({"head.weight": torch.zeros(3, 513)}))
    assert f"head.weight is 3 × 513 where {outputs} × 513 is expected" in refused(broken)
    edit_state(broken, lambda state: state.update({"fc.bias": torch.zeros(9)}))
    assert "fc.bias has no place" in refused(broken)
    edit_state(broken, lambda state: [state.pop(key) for key in ("fc.bias", "head.bias")])
    assert "head.bias is missing" in refused(broken)


def test_a_config_of_another_model_and_damaged_weights_are_distinguished(broken):
    config = broken / "config.json"
    good = config.read_text()
    odd = good.replace('"calibration": null', '"calibration": {"a": 1}')
    no_cells = good.replace('"one_in": 1', '"one_in": 0')
    assert no_cells != good != odd
    for text in ('{"hidden_size": 768}', "[1, 2]", "not json", odd, no_cells):
        config.write_text(text)
        assert "config.json describes another kind of model" in refused(broken)
    for text in (good.replace('"holes"', '"scratches"'), re.sub(r'"(abnormal)",(\s*)"(normal)"', r'"\3",\2"\1"', good)):
        assert text != good
        config.write_text(text)
        assert "labels or kinds of damage that this version does not know" in refused(broken)
    config.write_text(good)
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[:5000])
    assert "model.safetensors is damaged" in refused(broken)


def test_a_model_that_says_nothing_of_cells_answers_with_all_of_them(broken):
    config = json.loads((broken / "config.json").read_text())
    del config["one_in"]
    (broken / "config.json").write_text(json.dumps(config))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 96, 96), dtype=np.uint8)
    _, defects, maps = load(broken).run(pixels, np.float32([0.5]))
    np.testing.assert_allclose(defects, maps[:, 2:].mean(axis=(2, 3)), atol=1e-5)


def test_a_calibration_of_another_version_or_model_is_refused_and_its_own_is_kept(broken):
    config = json.loads((broken / "config.json").read_text())
    stored = Calibration.identity(tuple(config["defects"])).to_dict()
    (broken / "config.json").write_text(json.dumps(config | {"calibration": stored}))
    assert load(broken).calibration.to_dict() == stored
    (broken / "config.json").write_text(json.dumps(config | {"calibration": stored | {"features": ["label margin"]}}))
    assert "describes another kind of model" in refused(broken)
    del stored["slope"]["holes"]
    (broken / "config.json").write_text(json.dumps(config | {"calibration": stored}))
    assert "its calibration is not that of its kinds of damage" in refused(broken)


def test_a_card_that_is_no_card_is_no_reason_not_to_judge(broken):
    for text in ("---\nlicense: [\n---\n# A model\n", "---\nmodel-index: 3\n---\n# A model\n"):
        (broken / "README.md").write_text(text)
        assert read_card(str(broken)) == ("", [])


def test_a_pickle_in_a_folder_is_named_and_never_opened(broken, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (broken / "model.safetensors").unlink()
    (broken / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    assert "pickle (pytorch_model.bin)" in refused(broken)
    assert not (tmp_path / "sprung").exists()
    (broken / "pytorch_model.bin").unlink()
    assert "no model.safetensors" in refused(broken)


def test_a_gate_of_other_shapes_is_refused_and_without_one_only_the_empty_is_no_negative(broken):
    config = json.loads((broken / "config.json").read_text())
    gate = config["gate"]
    (broken / "config.json").write_text(json.dumps(config | {"gate": gate | {"mean": gate["mean"][:-1]}}))
    assert "describes another kind of model" in refused(broken)
    (broken / "config.json").write_text(json.dumps(config | {"gate": None}))
    page = Scan(
        eight_bit(not_negatives.page(np.asarray(frame(200, 300)), np.random.default_rng(1))), "page.png", b"", "PNG"
    )
    asked = load(broken)
    assert asked.gate is None and not asked.judge(page).evidence.not_negative
    (broken / "config.json").write_text(json.dumps(config))
    assert load(broken).judge(page).evidence.other_kind == "page"
