"""The sources of frames: groups stay in one split, and scans of damaged film keep their known labels."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

import simulate
from darkroom.taxonomy import DEFECTS
from film import eight_bit, frame
from simulator.sources import SPLITS, Folders, jobs


def written(folder: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(eight_bit(frame(60, 90, k))).save(folder / name)
    return folder


def homes(planned: list) -> dict[str, set]:
    splits: dict[str, set] = {}
    for job in planned:
        splits.setdefault(job.group, set()).add(job.split)
    return splits


def test_frames_of_one_photograph_never_straddle_a_split(tmp_path):
    photos = written(tmp_path, *(f"{k}.jpg" for k in range(10)))
    planned = jobs(Folders(photos=photos), 60, 0, DEFECTS)
    assert len(planned) == 60 and all(len(home) == 1 for home in homes(planned).values())
    assert {job.split for job in planned} == {"train", "validation", "test"}
    assert sum(job.source.startswith("drawn/") for job in planned) == 8


def test_photographs_that_are_not_used_take_no_share_of_the_splits(tmp_path):
    photos = written(tmp_path, *(f"{k}.jpg" for k in range(40)))
    planned = [job for job in jobs(Folders(photos=photos), 24, 0, DEFECTS) if not job.source.startswith("drawn/")]
    assert {job.split for job in planned} == {"train", "validation", "test"}


def test_a_photographers_negatives_never_straddle_a_split(tmp_path):
    names = [f"photographer {k % 8}/{k}.jpg" for k in range(32)] + ["alone.jpg", "alone too.jpg"]
    planned = jobs(Folders(negatives=written(tmp_path, *names)), 400, 3, DEFECTS)
    real = [job for job in planned if job.source.startswith("real/")]
    assert len(real) == 100
    photographers = {f"photographer {k}" for k in range(8)}
    assert {job.group for job in real} == {*photographers, "real/alone.jpg", "real/alone too.jpg"}
    assert all(len(home) == 1 for home in homes(real).values())
    assert {job.split for job in real} == {"train", "validation", "test"}


def test_a_photographer_of_sound_and_of_damaged_film_is_in_one_split(tmp_path):
    sound = written(tmp_path / "sound", *(f"photographer {k % 8}/{k}.jpg" for k in range(32)))
    ruined = written(tmp_path / "ruined", *(f"light_leak/photographer {k}/{k}.jpg" for k in range(8)))
    for seed in range(5):
        planned = jobs(Folders(negatives=sound, damaged=ruined), 600, seed, DEFECTS)
        assert sum(job.source.startswith("damaged/") for job in planned) == 60
        assert all(len(home) == 1 for home in homes(planned).values())


def test_scans_of_damaged_film_are_exposed_anew_and_keep_what_is_known_of_them(tmp_path):
    folders = Folders(damaged=written(tmp_path / "scans", "light_leak/a.jpg", "unknown/someone/b.jpg"))
    planned = [job for job in jobs(folders, 40, 2, DEFECTS) if job.source.startswith("damaged/")]
    for split in SPLITS:
        (tmp_path / split).mkdir()
    frames = [frame for job in planned for frame in simulate._make([job], tmp_path, folders, 2)]
    rows = [json.loads(json.dumps(asdict(frame))) for frame in frames]
    assert len(rows) == 4 and len({row["pair"] for row in rows}) == 4
    assert all(row["label"] == 0 and row["defect_cells"] == [] and row["severity"] is None for row in rows)
    by_kind = {row["source"].split("/")[1]: {kind: row[kind] for kind in DEFECTS} for row in rows}
    assert by_kind["light_leak"] == dict.fromkeys(DEFECTS, 0) | {"light_leak": 1}
    assert by_kind["unknown"] == dict.fromkeys(DEFECTS)
    assert {row["group"] for row in rows} == {"damaged/light_leak/a.jpg", "someone"}
    files = [tmp_path / job.split / row["file_name"] for job, row in zip(planned, rows, strict=True)]
    assert len({file.read_bytes() for file in files}) == 4


def test_of_one_scan_there_are_at_most_so_many_exposures_and_of_all_frames_a_tenth(tmp_path):
    scans = written(tmp_path, "unknown/a.jpg", "holes/b.jpg")
    for count, expected in ((600, 16), (50, 5)):
        planned = jobs(Folders(damaged=scans), count, 0, DEFECTS)
        assert len(planned) == count and [job.number for job in planned] == list(range(count))
        assert sum(job.source.startswith("damaged/") for job in planned) == expected
        twins = Counter(job.pair for job in planned if not job.source.startswith("damaged/"))
        assert set(twins.values()) <= {1, 2} and sum(n == 1 for n in twins.values()) <= 1


@pytest.mark.parametrize("name", ["light leak/a.jpg", "a.jpg"])
def test_a_folder_of_no_known_damage_is_one_sentence(tmp_path, name):
    scans = written(tmp_path / "scans", name)
    command = [sys.executable, simulate.__file__, str(tmp_path / "out"), "--damaged", str(scans)]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 2 and answer.stderr.count("\n") == 1
    assert "is no kind of damage" in answer.stderr and "light_leak" in answer.stderr
