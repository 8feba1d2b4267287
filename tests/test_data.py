"""From a folder and a CSV to splits: the data set is complete, and all problems are listed at once."""

import json
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, load_dataset
from PIL import Image

from darkroom.film.scan import open_scan
from data import build, picture_of, table
from learning.dataset import DataError, open_dataset
from rolls import labelled

DATA = Path(__file__).resolve().parents[1] / "train" / "data.py"


@pytest.fixture(scope="module")
def csv(tmp_path_factory) -> Path:
    return labelled(tmp_path_factory.mktemp("seed"), 49)


def records(out: Path) -> dict[str, list[dict]]:
    return {
        split: [json.loads(line) for line in (out / split / "metadata.jsonl").read_text().splitlines()]
        for split in ("train", "validation", "test")
    }


def test_every_picture_lands_in_one_split_and_the_labels_keep_their_share(csv, tmp_path):
    counts = build(csv.parent / "pictures", csv, tmp_path / "out")
    splits = records(tmp_path / "out")
    assert sum(counts.values()) == 49 and counts == {name: len(rows) for name, rows in splits.items()}
    names = [row["file_name"] for rows in splits.values() for row in rows]
    assert sorted(names) == sorted(f"{i}.jpg" for i in range(1, 50))
    for rows in splits.values():
        assert abs(np.mean([row["label"] for row in rows]) - 0.7) < 0.08
    for split, rows in splits.items():
        for row in rows:
            assert row["label"] == int(int(row["file_name"].split(".")[0]) > 15)  # the first 15 have the hole
            original = csv.parent / "pictures" / row["file_name"]
            assert (tmp_path / "out" / split / row["file_name"]).read_bytes() == original.read_bytes()


def test_the_library_itself_reads_the_result(csv, tmp_path):
    build(csv.parent / "pictures", csv, tmp_path / "out")
    rows = load_dataset("imagefolder", data_dir=str(tmp_path / "out"), split="test")
    assert rows[0]["image"].size == (96, 72) and set(rows["label"]) == {0, 1}
    assert open_dataset(str(tmp_path / "out"))["train"].features["label"].names == ["abnormal", "normal"]


def test_a_roll_never_straddles_two_splits(csv, tmp_path):
    build(csv.parent / "pictures", csv, tmp_path / "out", group_by="roll")
    rolls = [{row["group"] for row in rows} for rows in records(tmp_path / "out").values()]
    assert len(set.union(*rolls)) == 12 and sum(map(len, rolls)) == 12


def test_a_blank_cell_is_no_roll_and_names_of_rolls_are_stripped(tmp_path):
    csv = labelled(tmp_path, 100)
    lines = csv.read_text().splitlines()
    rolls = [""] * 60 + [f"{' ' * (i % 2)}r{i % 10}  " for i in range(40)]
    rows = [line.rsplit(",", 1)[0] for line in lines[1:]]
    lines = [f"{row},{roll}" for row, roll in zip(rows, rolls, strict=True)]
    csv.write_text("\n".join(["picture,normal, roll ", *lines]))
    counts = build(tmp_path / "pictures", csv, tmp_path / "out", group_by="roll")
    splits = records(tmp_path / "out")
    homes = [{row["group"] for row in rows} for rows in splits.values()]
    assert len(set.union(*homes)) == 70 == sum(map(len, homes))
    assert {f"r{i}" for i in range(10)} < set.union(*homes)
    assert counts["test"] > 8 and counts["validation"] > 8  # not sixty in one split


def test_a_suffix_that_nothing_opens_is_said_to_be_unknown(tmp_path):
    csv = labelled(tmp_path, 30)
    csv.write_text(csv.read_text().replace("\n3.jpg", "\nx.bmp"))
    with pytest.raises(DataError, match=r"row 4: 'x.bmp' has an unknown suffix; what can be opened is .*\.jpg"):
        build(tmp_path / "pictures", csv, tmp_path / "out")


def test_the_same_seed_splits_alike_and_another_otherwise(csv, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        build(csv.parent / "pictures", csv, tmp_path / name, seed=seed)
    assert records(tmp_path / "a") == records(tmp_path / "b") != records(tmp_path / "c")


def test_a_spreadsheets_semicolons_and_decimals_are_understood(csv, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("\ufeff" + csv.read_text().replace(",1,", ",1.0,").replace(",", ";"), encoding="utf-8")
    assert ";1.0;" in other.read_text()
    build(csv.parent / "pictures", csv, tmp_path / "plain")
    build(csv.parent / "pictures", other, tmp_path / "out")
    assert records(tmp_path / "out") == records(tmp_path / "plain")


def test_other_column_names_and_defect_columns_are_taken(csv, tmp_path):
    lines = csv.read_text().replace("picture,normal,roll", "file,ok,holes").splitlines()
    lines = [lines[0]] + [f"{name},{ok},{1 - int(ok)}" for name, ok, _ in (line.split(",") for line in lines[1:])]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(lines))
    build(csv.parent / "pictures", other, tmp_path / "out", picture_column="file", label_column="ok")
    assert all(row["holes"] == 1 - row["label"] for rows in records(tmp_path / "out").values() for row in rows)


def test_every_problem_is_listed_at_once_with_its_row_and_nothing_is_written(tmp_path):
    csv = labelled(tmp_path, 30)
    pictures = tmp_path / "pictures"
    (pictures / "3.jpg").unlink()  # row 4
    (pictures / "5.jpg").write_text("not a picture")  # row 6
    (pictures / "7.jpg").write_bytes((pictures / "6.jpg").read_bytes())  # row 8
    Image.new("RGB", (8, 8)).save(pictures / "stray.png")
    lines = csv.read_text().splitlines()
    lines[10] = lines[10].replace(",0,", ",1,").replace(",1,", ",good,")  # row 11
    csv.write_text("\n".join([*lines, "1.jpg,0,0"]))  # row 32
    run = subprocess.run(
        [sys.executable, DATA, "build", pictures, csv, tmp_path / "out"], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 2 and "Traceback" not in run.stderr
    lines = run.stderr.splitlines()
    expected = {4: "no picture '3.jpg'", 6: "5.jpg", 8: "same picture as '6.jpg'", 11: "'good'", 32: "is in row 2"}
    for row, words in expected.items():
        assert any(f"row {row}:" in line and words in line for line in lines), (row, run.stderr)
    assert any("stray.png: is not in" in line for line in lines)
    assert not any(path.name.endswith(("out", "unfinished")) for path in tmp_path.iterdir())


@pytest.mark.parametrize(("count", "abnormal", "held_out"), [(8, 0.5, 4), (16, 0.5, 4), (40, 0.1, 20)])
def test_few_pictures_are_dealt_to_training_and_validation_alone(tmp_path, count, abnormal, held_out):
    csv = labelled(tmp_path, count, abnormal=abnormal)
    counts = build(tmp_path / "pictures", csv, tmp_path / "out")
    assert counts == {"train": count - held_out, "validation": held_out}
    for split in counts:
        assert min(np.bincount(open_dataset(str(tmp_path / "out"))[split]["label"])) >= 2


def test_one_class_alone_is_a_fault(tmp_path):
    csv = labelled(tmp_path, 20, abnormal=0)
    with pytest.raises(DataError, match="0 pictures are abnormal"):
        build(tmp_path / "pictures", csv, tmp_path / "out")


def test_a_csv_without_the_column_says_which_it_has(csv, tmp_path):
    with pytest.raises(DataError, match="no column label; it has picture, normal, roll"):
        build(csv.parent / "pictures", csv, tmp_path / "out", label_column="label")


def test_the_table_gives_a_picture_by_its_index_and_by_its_name(csv, tmp_path):
    build(csv.parent / "pictures", csv, tmp_path / "out")
    frame = table(str(tmp_path / "out"))
    assert len(frame) == 49 and set(frame["split"]) == {"train", "validation", "test"}
    expected = open_scan(csv.parent / "pictures" / "17.jpg").pixels
    assert np.array_equal(picture_of(frame, "17.jpg").pixels, expected)
    index = int(frame.index[frame["name"] == "17.jpg"][0])
    assert np.array_equal(picture_of(frame, index).pixels, expected)
    assert frame.loc[index, "label"] == 1
    with pytest.raises(KeyError, match="0 pictures"):
        picture_of(frame, "nowhere.jpg")


def test_a_picture_that_the_metadata_forgets_is_noticed(csv, tmp_path):
    build(csv.parent / "pictures", csv, tmp_path / "out")
    Image.new("RGB", (8, 8)).save(tmp_path / "out" / "train" / "more.jpg")
    with pytest.raises(DataError, match="more pictures|lists"):
        open_dataset(str(tmp_path / "out"))


@pytest.mark.parametrize("data, words", [("{}", "train/data.py build"), ("no/such-data", "neither a folder here nor")])
def test_what_cannot_be_trained_on_is_one_clear_line(tmp_path, data, words):
    with pytest.raises(DataError, match=words) as error:
        open_dataset(data.format(tmp_path))
    assert "\n" not in str(error.value)


def test_classes_in_another_order_and_a_missing_split_are_no_data_to_train_on(hub, tmp_path):
    pictures = [Image.new("RGB", (8, 8), (i, 0, 0)) for i in range(4)]

    def published(name: str, classes: list[str], *splits: str) -> str:
        columns = Features({"image": datasets.Image(), "label": ClassLabel(names=classes)})
        rows = Dataset.from_dict({"image": pictures, "label": [0, 1, 0, 1]}, features=columns)
        rows.to_parquet(tmp_path / "rows.parquet")
        data = (tmp_path / "rows.parquet").read_bytes()
        hub.put(name, {f"data/{split}-00000-of-00001.parquet": data for split in splits}, "datasets")
        return name

    ours = ["abnormal", "normal"]
    assert set(open_dataset(published("tester/good", ours, "train", "validation"))) == {"train", "validation"}
    with pytest.raises(DataError, match="are 0 readable, 1 unreadable; they must be 0 abnormal, 1 normal"):
        open_dataset(published("tester/turned", ["readable", "unreadable"], "train", "validation"))
    with pytest.raises(DataError, match="needs the splits train and validation, but has train, test"):
        open_dataset(published("tester/split", ours, "train", "test"))


def test_a_split_without_both_labels_cannot_be_trained_on(csv, tmp_path):
    build(csv.parent / "pictures", csv, tmp_path / "out")
    lines = tmp_path / "out" / "validation" / "metadata.jsonl"
    lines.write_text(lines.read_text().replace('"label": 0', '"label": 1'))
    with pytest.raises(DataError, match="'validation' has 0 abnormal and 7 normal"):
        open_dataset(str(tmp_path / "out"))


@pytest.mark.parametrize("source", ["no such [folder]", "a/b/c", "user/name.git"])
def test_what_is_neither_a_folder_nor_a_name_on_the_hub_is_said(source):
    with pytest.raises(DataError, match="neither a folder here nor a data set on the Hub"):
        open_dataset(source)
