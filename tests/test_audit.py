"""Flipped labels are found, shown and can be corrected."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import rolls
from data import build

AUDIT = Path(__file__).resolve().parents[1] / "train" / "audit.py"
FLIPPED = [f"{i}.jpg" for i in (2, 9, 20, 33, 41, 58)]


@pytest.fixture(scope="module")
def audited(tmp_path_factory, weights) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    csv = rolls.labelled(folder, 60, abnormal=0.4)
    table = pd.read_csv(csv)
    wrong = table["picture"].isin(FLIPPED)
    table.loc[wrong, "normal"] = 1 - table.loc[wrong, "normal"]
    table.drop(columns="roll").to_csv(csv, index=False)
    build(folder / "pictures", csv, folder / "data")
    command = [sys.executable, AUDIT, folder / "data", folder / "out", "--weights", weights]
    run = subprocess.run(
        [*command, "--corrected", folder / "corrected.csv"], capture_output=True, text=True, timeout=200
    )
    assert run.returncode == 0, run.stderr
    return folder


def test_most_flipped_labels_are_found_and_most_that_are_found_were_flipped(audited):
    found = pd.read_csv(audited / "out" / "audit.csv")
    hits = found["file"].isin(FLIPPED)
    assert hits.sum() >= 0.6 * len(FLIPPED) and hits.mean() >= 0.5
    assert found["score"].is_monotonic_increasing and (found["label"] != found["suggested"]).all()


def test_the_page_shows_each_suspect_as_negative_and_positive(audited):
    page = (audited / "out" / "audit.html").read_text()
    found = pd.read_csv(audited / "out" / "audit.csv")
    assert all(f"<h2>{name}</h2>" in page for name in found["file"])
    assert page.count("data:image/jpeg;base64,") == 2 * len(found)
    assert "http://" not in page and "https://" not in page


def test_the_corrected_csv_builds_a_data_set_with_the_suggested_labels(audited, tmp_path):
    given = pd.read_csv(audited / "labels.csv").set_index("picture")["normal"]
    corrected = pd.read_csv(audited / "corrected.csv").set_index("picture")["normal"]
    found = pd.read_csv(audited / "out" / "audit.csv")["file"]
    changed = given.index[given != corrected.loc[given.index]]
    assert set(changed) == set(found)
    build(audited / "pictures", audited / "corrected.csv", tmp_path / "again")
