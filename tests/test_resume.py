"""A run over an archive is killed anywhere and goes on: its tables are then those of a run that nothing broke, to the
byte."""

import csv
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from conftest import ROOT
from darkroom import command
from darkroom.scoring import journal
from darkroom.scoring.journal import Journal, Share
from darkroom.scoring.judging import Judging
from film import eight_bit, frame, png, write
from test_files import pages

POINTS = 36  # at which the command is killed


def small(seed: int) -> bytes:
    return png(eight_bit(frame(20, 32, seed)))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Frames in folders, in a ZIP and in a TIFF of two; one twice; one broken."""
    folder = tmp_path_factory.mktemp("archive")
    for box, seeds in (("box 1", range(2)), ("box 2", range(4, 6))):
        (folder / box).mkdir()
        for seed in seeds:
            write(folder / box, f"{seed}.png", small(seed))
    write(folder / "box 2", "again.png", small(1))
    write(folder / "box 2", "half.png", small(8)[:300])
    write(folder / "box 2", "strip.tif", pages((eight_bit(frame(20, 32, 1)), {}), (eight_bit(frame(20, 32, 2)), {})))
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        for seed in (10, 11):
            packed.writestr(f"roll/{seed}.png", small(seed))
    return folder


def words(archive: Path, weights: Path, output: Path, *more: str) -> list[str]:
    paths = [archive, archive / "more.zip"]
    return ["score", *map(str, paths), "-o", str(output), "--weights", str(weights), "--quiet", *more]


def made(folder: Path) -> dict[str, bytes]:
    """All that a run left, by name, but the journal itself."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.name != journal.NAME}


class Nursery:
    """Runs the command in a process that can be killed."""

    def __enter__(self) -> "Nursery":
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/killed.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'space'}:{os.environ.get('PYTHONPATH', '')}"},
        )
        return self

    def run(self, words: list[str], at: int | None = None, after: float | None = None) -> dict:
        self.process.stdin.write(json.dumps({"words": words, "at": at, "after": after}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


def test_killed_anywhere_and_run_again_it_leaves_what_an_unbroken_run_leaves(archive, weights, tmp_path):
    rng, killed = random.Random(0), 0
    with Nursery() as nursery:
        for name in ("verdicts.csv", "verdicts.jsonl", "verdicts"):
            whole = tmp_path / "whole" / name
            for folder in ("whole", "timed"):
                (tmp_path / folder).mkdir()
            unbroken = nursery.run(words(archive, weights, whole, "--light-table"))
            assert unbroken["code"] == 1, "one file is broken"
            expected = made(whole.parent)
            began = time.monotonic()
            nursery.run(words(archive, weights, tmp_path / "timed" / name, "--light-table"))
            seconds = time.monotonic() - began
            before = killed
            while killed - before < POINTS // 3:
                broken = tmp_path / "broken"
                broken.mkdir()
                command_ = words(archive, weights, broken / name, "--light-table")
                for _ in range(4):  # the later ones in what is left
                    if rng.random() < 0.75:
                        point = {"at": rng.randint(1, unbroken["events"])}
                    else:
                        point = {"after": rng.uniform(0, seconds)}
                    shared = ["--share", f"{rng.randrange(2)}/2"] if name == "verdicts.jsonl" else []
                    killed += nursery.run(command_ + shared, **point)["code"] == -signal.SIGKILL
                assert nursery.run(command_)["code"] == 1
                assert made(broken) == expected
                shutil.rmtree(broken)
            for folder in ("whole", "timed"):
                shutil.rmtree(tmp_path / folder)
    assert killed >= 30


def read(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def judged(monkeypatch) -> list[str]:
    """The names of what is opened."""
    names, honest = [], Judging.open
    monkeypatch.setattr(Judging, "open", lambda self, item: names.append(item.name) or honest(self, item))
    return names


def test_only_what_is_new_changed_or_failed_is_judged_again(archive, weights, tmp_path, judged):
    scans, output = tmp_path / "scans", tmp_path / "verdicts.csv"
    shutil.copytree(archive, scans)
    asked = words(scans, weights, output)
    assert command.main(asked) == 1 and len(judged) == 9
    first = output.read_bytes()
    judged.clear()
    assert command.main(asked) == 1
    assert judged == [str(scans / "box 2/half.png")], "what could not be judged is tried again"
    assert output.read_bytes() == first
    judged.clear()
    write(scans / "box 2", "half.png", small(8))
    write(scans / "box 1", "0.png", small(20))
    write(scans, "new.png", small(21))
    (scans / "box 1/1.png").unlink()
    assert command.main(asked) == 0
    assert judged == [str(scans / name) for name in ("new.png", "box 1/0.png", "box 2/half.png")]
    names = [row["file"] for row in read(output)]
    assert str(scans / "new.png") in names and str(scans / "box 1/1.png") not in names
    anew = tmp_path / "anew.csv"
    assert command.main(words(scans, weights, anew)) == 0
    assert anew.read_bytes() == output.read_bytes(), "as if it had been judged in one go"


def test_another_prior_judges_anew_and_the_first_is_kept(archive, weights, tmp_path, judged):
    output = tmp_path / "verdicts.csv"
    assert command.main(words(archive, weights, output)) == 1
    first = output.read_bytes()
    assert command.main(words(archive, weights, output, "--prior", "0.9")) == 1
    assert output.read_bytes() != first
    judged.clear()
    assert command.main(words(archive, weights, output)) == 1
    assert len(judged) == 1 and output.read_bytes() == first


def test_a_checksum_sees_what_size_and_time_do_not_and_nothing_else(weights, tmp_path, judged):
    scans, output = tmp_path / "scans", tmp_path / "verdicts.csv"
    scans.mkdir()
    for name in ("a.png", "b.png"):
        write(scans, name, small(1))
    asked = ["score", str(scans), "-o", str(output), "--weights", str(weights), "--checksum"]
    assert command.main(asked) == 0
    judged.clear()
    about, data = (scans / "a.png").stat(), bytearray((scans / "a.png").read_bytes())
    data[-13] ^= 1  # in the sum of the last pixels
    (scans / "a.png").write_bytes(data)
    os.utime(scans / "a.png", ns=(about.st_atime_ns, about.st_mtime_ns))
    os.utime(scans / "b.png")
    command.main(asked)
    assert judged == [str(scans / "a.png")]


def test_a_second_run_on_the_same_output_is_refused_and_the_first_goes_on(archive, weights, tmp_path, capsys):
    output = tmp_path / "verdicts.csv"
    with Journal(tmp_path / "verdicts.run", "judge"):
        assert command.main(words(archive, weights, output)) == 2
        assert "another run is at work" in capsys.readouterr().err
        assert command.main(words(archive, weights, output, "--share", "0/2")) == 2
    with Journal(tmp_path / "verdicts.run", "judge", Share(0, 2)):
        assert command.main(words(archive, weights, output)) == 2
        assert command.main(words(archive, weights, output, "--share", "0/2")) == 2
        assert command.main(words(archive, weights, output, "--share", "1/2")) == 0, "shares work side by side"
    assert command.main(words(archive, weights, output)) == 1


def test_a_full_disk_ends_the_run_in_a_sentence_and_the_next_goes_on(archive, weights, tmp_path, monkeypatch, capsys):
    output, whole = tmp_path / "verdicts.csv", tmp_path / "whole.csv"
    honest = journal._connected

    def tight(path: Path, wait: float = 0) -> sqlite3.Connection:
        db = honest(path, wait)
        db.execute("PRAGMA max_page_count = 3")  # SQLite then finds the disk full
        return db

    monkeypatch.setattr(journal, "_connected", tight)
    monkeypatch.setattr(journal, "EVERY", 0)
    assert command.main(words(archive, weights, output)) == 2
    said = capsys.readouterr().err
    assert "full" in said and "run the same command again" in said and len(said.splitlines()) == 1
    monkeypatch.setattr(journal, "_connected", honest)
    with sqlite3.connect(tmp_path / "verdicts.run" / journal.NAME) as db:
        kept = db.execute("SELECT count(*) FROM frames").fetchone()[0]
    db.close()
    assert 0 < kept < 10
    assert command.main(words(archive, weights, output)) == command.main(words(archive, weights, whole)) == 1
    assert output.read_bytes() == whole.read_bytes()


def test_a_disk_that_is_full_when_the_table_is_written_leaves_the_one_of_before(archive, weights, tmp_path, capsys):
    output = write(tmp_path, "verdicts.csv", b"yesterday's\n")
    asked = words(archive, weights, output)
    with Journal(tmp_path / "verdicts.run", "none"):  # so that the journal is not what is too large
        pass
    assert command.main(words(archive, weights, tmp_path / "verdicts.jsonl")) == 1
    capsys.readouterr()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        code = command.main(asked)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 2 and "run the same command again" in capsys.readouterr().err
    assert output.read_bytes() == b"yesterday's\n"
    assert command.main(asked) == 1 and len(read(output)) == 10


SLOW = """
import sys, threading, time
from darkroom import command
from darkroom.scoring.judging import Judging
honest, opened = Judging.open, []
def slow(self, item):
    opened.append(item)
    if len(opened) > 3:
        time.sleep(60)  # as a disk that does not answer
    return honest(self, item)
Judging.open = slow
sys.argv = ["darkroom", *sys.argv[1:]]
command.run()
"""


def test_ctrl_c_ends_within_two_seconds_and_keeps_what_was_done(archive, weights, tmp_path):
    output = tmp_path / "verdicts.csv"
    asked = [each for each in words(archive, weights, output) if each != "--quiet"] + ["--json"]
    running = subprocess.Popen(
        [sys.executable, "-c", SLOW, *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background hands on that it ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    done = 0
    while done < 3:
        said = json.loads(running.stdout.readline())
        done = said["files"] if said["event"] == "progress" else done
        if said["event"] == "progress" and said["files"] < 3:
            time.sleep(0.1)
        if done >= 1:
            break
    time.sleep(1.5)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert running.returncode == 130 and "interrupted; what was judged is kept" in error and "Traceback" not in error
    with sqlite3.connect(tmp_path / "verdicts.run" / journal.NAME) as db:
        assert db.execute("SELECT count(*) FROM frames").fetchone()[0] >= 1
    db.close()
    assert not output.exists()
