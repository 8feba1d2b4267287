"""How a run over an archive shares its work: jobs, threads, batches."""

import subprocess
import sys

import torch

from conftest import ROOT
from darkroom.film.scan import open_scan
from darkroom.judge.verdict import load
from darkroom.scoring.items import items_at, marked
from darkroom.scoring.judging import Judging
from film import eight_bit, frame, write
from scored import run, small
from test_files import pages


def test_an_array_of_jobs_gives_the_table_of_one_whichever_of_them_died(scans, weights, tmp_path):
    write(scans, "strip.tif", pages((eight_bit(frame(seed=1)), {}), (eight_bit(frame(seed=2)), {})))
    write(scans, "text.jpg", b"dear diary")
    alone, shared = tmp_path / "alone/v.csv", tmp_path / "shared/v.csv"
    for output in (alone, shared):
        output.parent.mkdir()
    words = [scans, "--light-table"]
    assert run(weights, alone, *words) == 1
    command_ = [sys.executable, "-m", "darkroom", "score", *words, "--output", shared, "--weights", weights, "--quiet"]
    jobs = [subprocess.Popen(list(map(str, [*command_, "--share", f"{i}/3"])), cwd=ROOT / "space") for i in range(2)]
    assert [job.wait(400) for job in jobs] == [0, 0]  # the third never ran
    assert len(list((tmp_path / "shared/v.run").glob("share-*.sqlite"))) == 2 and not shared.exists()
    assert run(weights, shared, *words) == 1
    for path in (alone, alone.parent / "v.run/folders.csv", alone.parent / "v.run/index.html"):
        assert path.read_bytes() == (tmp_path / "shared" / path.relative_to(alone.parent)).read_bytes()
    assert not list((tmp_path / "shared/v.run").glob("share-*"))
    for share in ("3/3", "1", "a/b"):
        assert run(weights, shared, scans, "--share", share) == 2


def test_an_accelerator_takes_frames_in_batches_and_says_what_threads_say(scans, weights, monkeypatch):
    """Where the network runs apart from the threads; here on the processor all the same."""
    write(scans, "text.jpg", b"dear diary")
    items = [*map(marked, items_at([str(scans)], print))]
    in_threads, apart = Judging(load(weights), readers=3), Judging(load(weights), readers=3)
    apart.in_threads = False
    one, other = ([pair for some in judging.each(items) for pair in some] for judging in (in_threads, apart))
    assert one == other and len(one) == 7


def test_what_is_said_of_a_frame_does_not_depend_on_those_in_its_batch(weights, monkeypatch):
    judge = load(weights)
    prepared = [judge.prepare(open_scan(small(seed), f"{seed}.png")) for seed in range(5)]
    prepared.append(judge.prepare(open_scan(small(9, 96, 96), "square.png")))
    alone = [judge.judge_prepared([each])[0].row() for each in prepared]
    assert [verdict.row() for verdict in judge.judge_prepared(prepared)] == alone
    monkeypatch.setattr("darkroom.judge.accelerator.BATCH", 4)
    judge.accelerate(torch.device("cpu"))
    sizes = []
    judge.run.model.register_forward_pre_hook(lambda model, inputs: sizes.append(len(inputs[0])))
    batched = [verdict.row() for verdict in judge.judge_prepared(prepared)]
    assert sizes == [4, 4, 4], "a batch is filled up"
    assert batched == [verdict.row() for n in range(6) for verdict in judge.judge_prepared(prepared[n : n + 1])]
