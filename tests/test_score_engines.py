"""`darkroom score` on data sets and on a Ray cluster: the rows of the same pictures in a folder."""

import csv
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict, Features, Image, Value

import score
from conftest import ROOT
from darkroom import command
from film import eight_bit, frame, png, write
from test_files import pages


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for seed in range(5):
        write(folder, f"{seed}.png", png(eight_bit(frame(24, 36, seed))))
    return folder


def read(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_names(rows: list[dict]) -> list[dict]:
    return [{**row, "file": "", "error": bool(row["error"])} for row in rows]


def data_set(scans: Path) -> Dataset:
    pictures = [{"path": path.name, "bytes": path.read_bytes()} for path in sorted(scans.iterdir())]
    pictures.insert(2, {"path": "text.jpg", "bytes": b"dear diary"})
    features = Features({"shelf": Value("int64"), "image": Image(decode=False)})
    rows = Dataset.from_dict({"shelf": list(range(6)), "image": pictures}, features=features)
    return rows.cast_column("image", Image())


@pytest.fixture(scope="module")
def expected(scans, weights, tmp_path_factory) -> list[dict]:
    output = tmp_path_factory.mktemp("expected") / "v.csv"
    assert command.main(["score", str(scans), "-o", str(output), "--weights", str(weights), "--quiet"]) == 0
    return read(output)


def test_a_saved_data_set_is_judged_and_goes_on_where_it_was(scans, weights, expected, tmp_path):
    DatasetDict({"test": data_set(scans).select([4, 5]), "old": data_set(scans).select(range(4))}).save_to_disk(
        tmp_path / "set"
    )
    words = [str(tmp_path / "set"), "-o", str(tmp_path / "v.csv"), "--weights", str(weights), "--quiet"]
    assert score.main(words) == 1
    first, rows = (tmp_path / "v.csv").read_bytes(), read(tmp_path / "v.csv")
    names = [str(Path(row["file"]).relative_to(tmp_path / "set")) for row in rows]
    assert names == ["old/0/0.png", "old/1/1.png", "old/2/text.jpg", "old/3/2.png", "test/0/3.png", "test/1/4.png"]
    assert "not a picture" in rows.pop(2)["error"]
    assert without_names(rows) == without_names(expected)
    with pytest.MonkeyPatch.context() as patch:
        judged = []
        patch.setattr("darkroom.scoring.judging.open_scan", lambda *_, **__: judged.append(1) or 1 / 0)
        assert score.main(words) == 1
        assert len(judged) == 1, "only what could not be judged is opened again"
    assert score.main(words) == 1
    assert (tmp_path / "v.csv").read_bytes() == first


def test_a_data_set_of_the_hub_is_judged_as_it_comes(scans, weights, expected, hub, logged_in, tmp_path, monkeypatch):
    data_set(scans).push_to_hub("tester/negatives", token=hub.token)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    words = ["hf://datasets/tester/negatives", "-o", str(tmp_path / "v.csv"), "--weights", str(weights), "--quiet"]
    assert score.main(words) == 1
    rows = read(tmp_path / "v.csv")
    assert rows.pop(2)["file"] == "hf://datasets/tester/negatives/train/2/text.jpg"
    assert without_names(rows) == without_names(expected)
    assert score.main(["hf://datasets/tester/gone", *words[1:]]) == 2
    assert command.main(["score", *words]) == 2, "the library alone does not read data sets"


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'ray[data]'")
def test_ray_gives_the_table_of_one_process(weights, scans, tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for path in scans.iterdir():
        write(mixed, path.name, path.read_bytes())
    write(mixed, "half.png", png(eight_bit(frame()))[:300])
    write(mixed, "strip.tif", pages((eight_bit(frame(seed=1)), {}), (eight_bit(frame(seed=2)), {})))
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as packed:
        packed.writestr("a/b.png", png(eight_bit(frame(24, 36, 9))))
    alone, shared = tmp_path / "alone/v.csv", tmp_path / "shared/v.csv"
    for output in (alone, shared):
        output.parent.mkdir()
    words = ["mixed", "more.zip", "--weights", str(weights), "--light-table", "--quiet", "-o"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert command.main(["score", *words, str(alone)]) == 1
    done = subprocess.run(
        [sys.executable, ROOT / "train/score_ray.py", *words, shared],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr
    assert shared.read_bytes() == alone.read_bytes()
    for name in ("folders.csv", "duplicates.csv", "manifest.json"):
        assert (shared.parent / "v.run" / name).read_bytes() == (alone.parent / "v.run" / name).read_bytes()
    assert json.loads((shared.parent / "v.run/manifest.json").read_text())["frames"] == 9
