"""A data set to the Hub and back with the real client: the same pictures and labels, a card that says what is in it."""

import io
import json
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import yaml
from datasets import ClassLabel, load_dataset
from PIL import Image

import publish
import rolls
from learning import dataset


@pytest.fixture(scope="module")
def data(hub, tmp_path_factory) -> Path:
    folder = rolls.simulated(tmp_path_factory.mktemp("data") / "film")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", hub.token)
        publish.publish_dataset(folder, "tester/film")
    return folder


@pytest.mark.parametrize("streaming", [False, True])
def test_a_published_data_set_comes_back_with_the_same_pictures_and_labels(data, streaming, tmp_path):
    back = load_dataset("tester/film", cache_dir=str(tmp_path), streaming=streaming)
    assert set(back) == {"train", "validation", "test"}
    for split, rows in back.items():
        local = dataset.open_dataset(str(data))[split]
        assert rows.features["label"] == ClassLabel(names=["abnormal", "normal"])
        got = list(rows)
        assert [row["label"] for row in got] == local["label"] and [row["holes"] for row in got] == local["holes"]
        for row, expected in zip(got, local, strict=True):
            assert row["image"].tobytes() == Image.open(expected["image"]["path"]).tobytes()
            np.testing.assert_allclose(row["defect_cells"], expected["defect_cells"])


def test_the_data_card_says_what_is_in_it_and_shows_each_class(hub, data, logged_in):
    files = hub.files("tester/film", "datasets")
    text = files["README.md"].decode()
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*.parquet"}
    assert {split["name"]: split["num_examples"] for split in head["dataset_info"]["splits"]} == {
        "train": 24,
        "validation": 12,
        "test": 12,
    }
    assert head["size_categories"] == "n<1K" or head["size_categories"] == ["n<1K"]
    assert "| train | 12 | 12 |" in text and "| holes | 24 |" in text
    for path in ("pictures/normal.jpg", "pictures/holes.jpg"):
        assert path in text and Image.open(io.BytesIO(files[path])).size[0] > 100
    for heading in ("What the labels mean", "Splits", "Licences and credits", "Privacy"):
        assert f"\n## {heading}\n" in text
    assert not any(str(data.parent).encode() in content for content in files.values()), "no path of this machine"
    repo = hub.repos["datasets", "tester/film"]
    publish.publish_dataset(data, "tester/film")
    assert repo.messages == ["Publish the dataset"], "nothing changed, nothing committed"


def test_credits_put_each_sources_licence_on_the_card(logged_in, tmp_path):
    folder = rolls.simulated(tmp_path / "film", train=8, held_out=4)
    for listed in folder.glob("*/metadata.jsonl"):
        lines = []
        for i, line in enumerate(listed.read_text().splitlines()):
            lines.append(json.dumps(json.loads(line) | {"source": "a/1.jpg" if i % 2 else "drawn/7"}))
        listed.write_text("\n".join(lines))
    credits = tmp_path / "index.csv"
    credits.write_text("path,licence\na/1.jpg,CC BY 4.0\n")
    with pytest.raises(dataset.DataError, match="index.csv: needs the columns path, source, licence, credit"):
        publish.publish_dataset(folder, "tester/credited", credits)
    table = 'path,source,licence,credit\na/1.jpg,Museum A,CC BY 4.0,"Ann, A."\n'
    credits.write_text(table, encoding="utf-8-sig")  # as spreadsheets write it
    publish.publish_dataset(folder, "tester/credited", credits)
    text = logged_in.files("tester/credited", "datasets")["README.md"].decode()
    assert "| Museum A | CC BY 4.0 | 8 | Ann, A. |" in text and "| drawn scenes | CC0 1.0 | 8 |" in text
    assert yaml.safe_load(text.split("---\n")[1])["license"] == ["cc-by-4.0", "cc0-1.0"]


def test_what_nobody_could_open_again_is_named_before_anything_is_published(logged_in, tmp_path):
    folder = rolls.simulated(tmp_path / "film", train=8, held_out=4)
    listed = folder / "train" / "metadata.jsonl"
    name = json.loads(listed.read_text().splitlines()[0])["file_name"]
    odd = Path(name).with_suffix(".heic").name
    pillow_heif.from_pillow(Image.open(folder / "train" / name)).save(folder / "train" / odd)
    (folder / "train" / name).unlink()
    listed.write_text(listed.read_text().replace(name, odd))
    with pytest.raises(dataset.DataError, match=f"{odd}: .* convert it to TIFF or JPEG"):
        publish.publish_dataset(folder, "tester/heic")
    assert ("datasets", "tester/heic") not in logged_in.repos


def test_exif_that_nobody_can_read_is_no_reason_not_to_publish(logged_in, tmp_path):
    folder = rolls.simulated(tmp_path / "film", train=8, held_out=4)
    picture = min((folder / "train").glob("*.*g"))
    Image.open(picture).save(picture, "PNG", exif=b"Exif\0\0broken")  # of a JPEG's Pillow says nothing
    publish.publish_dataset(folder, "tester/broken-exif")
    assert b"No picture says in its EXIF data" in logged_in.files("tester/broken-exif", "datasets")["README.md"]


def test_no_token_is_in_anything_published(hub, data):
    assert hub.holds("What the labels mean") and not hub.holds(hub.token)
