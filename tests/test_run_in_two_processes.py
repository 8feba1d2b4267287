"""Training in two processes: no picture is lost or counted twice."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import rolls
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load

RUN = Path(__file__).resolve().parents[1] / "train" / "run.py"


def test_two_processes_count_each_picture_once_and_agree_with_one(tmp_path):
    rolls.simulated(tmp_path / "holes", held_out=13)  # which no batch and no pair divides evenly
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    settings = "--data holes --name pair --epochs 2 --batch-size 8 --input-size 64".split()
    process = subprocess.run([*launcher, RUN, *settings], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    folder = tmp_path / "runs" / "pair"

    table = pd.read_csv(folder / "predictions.csv")
    assert sorted(table["file"]) == [f"{i:03d}.jpg" for i in range(24, 50)]
    judge = load(folder / "model")
    alone = [judge.judge(open_scan(tmp_path / "holes" / row.split / row.file)).p_normal for row in table.itertuples()]
    assert table["p_normal"].to_list() == pytest.approx(alone, abs=1e-5)

    records = [json.loads(line) for line in (folder / "epochs.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    assert all(record["count"] == 13 and sum(map(sum, record["confusion_matrix"])) == 13 for record in records)
