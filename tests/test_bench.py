"""Every benchmark runs from its command line to its last printed figure, on tiny input."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import archive
import compare
import comparisons
import examples
import find_frames
import fuzz
import growth
import install_size
import label_errors
import mistakes
import own_film
import peers
import print_colour
import real_film
import simulate
import simulation
import simulator.sources
import speed
import strips
import surround
import throughput
import vips
from conftest import ROOT
from darkroom.files import limits
from film import eight_bit, frame
from simulate import DEFECTS


@pytest.fixture
def run(monkeypatch, capsys, tmp_path) -> Callable[..., str]:
    """Run a benchmark with a command line, in an empty folder; what it printed."""

    def printed(script, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        assert not script.main()
        return capsys.readouterr().out

    return printed


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Small frames in splits, every other one with a hole, labelled as simulated ones are."""
    folder = tmp_path_factory.mktemp("bench") / "drawn"
    for split, numbers in {"train": range(24), "validation": range(24, 30), "test": range(30, 36)}.items():
        (folder / split).mkdir(parents=True)
        rows = []
        for n in numbers:
            picture = eight_bit(frame(64, 96, seed=n))
            if n % 2:
                picture[20:40, 30:60] = 255
            Image.fromarray(picture).save(folder / split / f"{n}.jpg")
            row = dict.fromkeys(DEFECTS, 0) | {"holes": n % 2, "file_name": f"{n}.jpg", "label": 1 - n % 2}
            rows.append(row | {"severity": 2.0 * (n % 2), "group": f"scene {n}", "pair": n})
        (folder / split / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def test_every_benchmark_is_run_here():
    commands = {path.stem for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    tests = Path(__file__).read_text(encoding="utf-8")
    assert commands and not [name for name in commands if not re.search(rf"\b{name}[,.;]", tests)]


def test_speed_times_every_stage_of_both_files(run, weights, monkeypatch):
    monkeypatch.setattr(speed, "ROUNDS", 1)
    monkeypatch.setattr(speed, "WIDTH", 300)
    monkeypatch.setattr(speed, "HEIGHT", 200)
    out = run(speed, "--weights", weights)
    assert len(re.findall(r"^  [a-z, ]+ +\d+\.\d{3} +\d+\.\d{3}$", out, re.MULTILINE)) == 2 * 9


def test_archive_prints_speeds_memory_and_draws_a_chart(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "TURNS", 1)
    monkeypatch.setattr(archive, "TURN", 3)
    out = run(archive, "--files", 6, "--size", 90, 60, "--weights", weights, "--chart", tmp_path / "memory.png")
    assert re.search(r"scoring has \d+% of the floor's", out) and re.search(r"6 files, [\d.]+ a second", out)
    assert re.search(r"memory \d+ MB after a tenth, \d+ MB at the end", out)
    with Image.open(tmp_path / "memory.png") as picture:
        assert picture.width > 500


def test_compare_prints_a_row_for_everything_and_writes_json_and_the_document(run, weights, monkeypatch, tmp_path):
    """All but the browser, the installation and two peers that `make bench` alone installs."""
    for name, value in {
        "ROUNDS": 2, "FILES": 2, "BATCH": 2, "PHOTO": (120, 90), "CONVERTED": (96, 64), "SIMULATED": (150, 100),
        "FRAMES": 4, "LONG_SIDE": 96, "TRAINED": (64, 2, 4),
    }.items():  # fmt: skip
        monkeypatch.setattr(comparisons, name, value)
    monkeypatch.setattr(peers, "pipeline", lambda shape: lambda files, batch_size=1: files)
    monkeypatch.setattr(peers, "opencv", lambda negative, denoise=False: 255 - negative)
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{compare.BEGIN}old\n{compare.END}after\n")
    monkeypatch.setattr(compare, "DOCUMENT", document)
    monkeypatch.setattr(simulator.sources, "LONG_SIDE", simulator.sources.LONG_SIDE)  # put back afterwards
    monkeypatch.setattr(simulate, "LONG_SIDE", simulate.LONG_SIDE)
    names = ["verdict", "forward", "batch", "convert", "train", "simulation"]
    assert names == [name for name in comparisons.COMPARISONS if name not in ("page", "install")]
    out = run(compare, "--weights", weights, "--write", "--only", *names)
    found = json.loads((tmp_path / "bench.json").read_text())
    assert len(found["rows"]) == 13 and all(row["value"] > 0 for row in found["rows"])
    assert found["machine"]["ncnn"] and all(row["what"] in out for row in found["rows"])
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "\nold\n" not in text
    assert text.count("\n| ") == 2 + 13


def test_growth_is_printed_and_drawn(run, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PIXELS", 20_000)
    monkeypatch.setattr(growth, "MEGAPIXELS", (0.01, 0.03))  # of which the second is refused
    monkeypatch.setattr(growth, "BATCHES", (1,))
    monkeypatch.setattr(growth, "apart", lambda work, count: work(count))
    out = run(growth, tmp_path / "growth.svg", "--files", 2)
    assert len(re.findall(r"^ +\d+ [a-z ]+ [\d.]+ s +[\d.]+ GB$", out, re.MULTILINE)) == 3
    assert (tmp_path / "growth.svg").read_text().count('<g id="axes_') == 6


def test_the_size_of_an_installation_is_printed(run, tmp_path):
    (tmp_path / "nothing.txt").write_text("")
    assert re.fullmatch(r"0\.\d\d GB in \d+ s\n", run(install_size, tmp_path / "nothing.txt"))


def test_simulation_prints_the_share_of_each_part(run, data, monkeypatch):
    monkeypatch.setattr(simulation, "PAIRS", 2)
    monkeypatch.setattr(simulation, "LONG_SIDE", 96)
    for module in (simulate, simulator.sources):  # set back after the run, which sets them
        monkeypatch.setattr(module, "LONG_SIDE", 96)
    out = run(simulation, data / "train")
    found = dict(re.findall(r"^(.+?) {2,}(\d+)%$", out, re.MULTILINE))
    assert [*found] == [*simulation.PARTS.values()]
    assert 0 < int(found["the twins' positives compared"]) < 100 and int(found["light, lens, sensor, file"]) > 0


def test_throughput_prints_a_speed_for_each_case(run, monkeypatch):
    monkeypatch.setattr(throughput, "CASES", ((64, 2, False), (64, 2, True)))
    monkeypatch.setattr(throughput, "STEPS", 2)
    speeds = re.findall(r"([\d.]+) pictures a second", run(throughput))
    assert len(speeds) == 2 and all(float(each) > 0 for each in speeds)


def test_the_examples_have_a_verdict_each(run, monkeypatch, weights):
    monkeypatch.setattr(examples, "EXAMPLES", examples.EXAMPLES[:1])
    verdicts = examples.verdicts(examples.load(weights))
    assert [*map(set, map(examples.brief, verdicts.values()))] == [{"verdict", "kind", "p_normal"}]


def test_fuzz_counts_its_cases(run):
    assert run(fuzz, "--cases", 2).startswith("2 cases; 0 unforeseen exceptions")


def test_real_film_prints_shares_and_auroc_with_intervals(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(real_film, "KINDS", ["holes"])
    monkeypatch.setattr(real_film, "SEVERITIES", (2,))
    rows = ["file_name,normal,defects,note"]
    for seed in range(4):
        Image.fromarray(eight_bit(frame(96, 144, seed))).save(tmp_path / f"{seed}.jpg")
        rows.append(f"{seed}.jpg,{int(seed > 0)},,photographer {seed % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    (tmp_path / "not_colour_negatives").mkdir()
    Image.fromarray(np.full((90, 120, 3), 200, np.uint8)).save(tmp_path / "not_colour_negatives/grey.png")
    out = run(real_film, tmp_path, "--weights", weights)
    assert "real negatives, readable (3):" in out and "others (1):" in out
    assert re.search(r"^real negatives: AUROC [01]\.\d{3} \(", out, re.MULTILINE)
    assert re.search(r"^holes +2 +[01]\.\d{3} ", out, re.MULTILINE)
    bins = re.findall(
        r"^0\.\d\d–[01]\.\d\d: +(\d) readable, +(\d) damaged: stated [01]\.\d\d, found [01]\.\d\d$", out, re.MULTILINE
    )
    assert [sum(map(int, column)) for column in zip(*bins, strict=True)] == [3, 1]


def scans(folder: Path, rows: list[str]) -> None:
    """Frames below scans/, and an index.csv as `real_film` reads it. rows: use, half, readable, photographer."""
    (folder / "scans").mkdir()
    lines = ["file,use,half,readable,photographer"]
    for n, row in enumerate(rows):
        Image.fromarray(eight_bit(frame(80, 120, seed=n))).save(folder / f"scans/{n}.jpg")
        lines.append(f"scans/{n}.jpg,{row}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")


def test_real_film_puts_damage_on_one_scan_of_each_photographer_too(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(real_film, "KINDS", ["holes"])
    monkeypatch.setattr(real_film, "SEVERITIES", (2,))
    scans(tmp_path, [f"measure,{'report' if n < 4 else 'choose'},1,photographer {n // 2}" for n in range(5)])
    out = run(real_film, tmp_path, "--weights", weights)
    assert "real scans as negatives, readable (4):" in out
    assert "\n2 real scans as negatives with damage put on them;" in out
    assert len(re.findall(r"^holes +2 +[01]\.\d{3} ", out, re.MULTILINE)) == 1


def test_label_errors_prints_recall_and_precision(run, weights, data, monkeypatch):
    monkeypatch.setattr(label_errors, "DRAWS", 1)
    out = run(label_errors, "--data", data, "--weights", weights)
    assert re.fullmatch(r"36 frames: recall [\d.]+ \(.*\), precision .*, AUROC of the folds [01]\.\d{3}\n", out)


def test_mistakes_are_counted_and_drawn(run, weights, data, tmp_path, monkeypatch):
    monkeypatch.setattr(mistakes, "simulate", lambda *_, **__: data)
    out = run(mistakes, tmp_path / "sheet.png", "--weights", weights)
    assert re.match(r"on the wrong side of one half: \d+ of 36; ", out)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert min(sheet.size) > 300


def test_own_film_trains_on_what_is_labelled_and_judges_the_others(run, weights, tmp_path, monkeypatch):
    for name, value in {"LABELLED": (8,), "OTHERS": 4, "PHOTOGRAPHERS": 1}.items():
        monkeypatch.setattr(own_film, name, value)
    scans(tmp_path, [f"measure,choose,{int(n > 1)}," for n in range(14)])
    out = run(own_film, tmp_path, "--half", "choose", "--weights", weights)
    found = re.findall(r"^(.+?)  .* [01]\.\d\d \([01]\.\d\d–[01]\.\d\d\)$", out, re.MULTILINE)
    assert found == [
        "strangers, before",
        "photographer 1, before",
        "photographer 1, 8 labelled",
        "strangers, after 8 of 1",
    ]


@pytest.mark.browser
def test_page_speed_waits_for_verdicts_and_a_roll(weights, tmp_path, chromium):
    code = "import page_speed; page_speed.ROUNDS, page_speed.FRAMES, page_speed.VERDICTS = 1, 2, 3; page_speed.main()"
    words = [sys.executable, "-c", code, "--weights", weights]  # where no other test drives a browser
    folders = os.pathsep.join(map(str, (ROOT / "bench", ROOT / "train", ROOT / "space")))
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=tmp_path, timeout=200, env=os.environ | {"PYTHONPATH": folders}
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r" [\d.]+ s(?:; a bare page [\d.]+)?$", done.stdout, re.MULTILINE)) == 4
    assert len(re.findall(r" [\d.]+ GB$", done.stdout, re.MULTILINE)) == 2


def test_find_frames_counts_what_was_found_on_strips_and_on_single_frames(run, tmp_path, monkeypatch):
    strips.strips(tmp_path / "strips", None, 2, 0)
    out = run(find_frames, tmp_path / "strips")
    assert re.search(r"^all +2 +[\d.]+% +[\d.]+%", out, re.MULTILINE)
    monkeypatch.setattr(find_frames, "strips", lambda folder, count: strips.strips(folder, None, count, 1))
    assert re.search(
        r"^all +3 +[\d.]+% +[\d.]+%", run(find_frames, tmp_path / "strips", "--simulated", 1), re.MULTILINE
    )


def test_print_colour_compares_prints_by_the_strip_with_each_by_itself(run, monkeypatch):
    monkeypatch.setattr(print_colour, "PER_MM", 4.5)
    out = run(print_colour, "--strips", 2)
    assert re.search(r"^cast of a print +by the strip +[\d.]+, each by itself +[\d.]+; difference", out, re.MULTILINE)


def test_surround_lays_something_around_readable_frames(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(surround, "SURROUNDS", {"black holder": surround.SURROUNDS["black holder"]})
    picture = Image.fromarray(eight_bit(frame(96, 144, seed=1)))
    picture.save(tmp_path / "1.png")
    (tmp_path / "labels.csv").write_text("file_name,normal,defects,note\n1.png,1,,A\n2.png,0,holes,A\n")
    out = run(surround, tmp_path, "--weights", weights)
    assert out.startswith("1 frames") and re.search(r"^black holder +100.0%", out, re.MULTILINE)


def test_vips_compares_every_case_or_says_what_to_install(run, monkeypatch):
    monkeypatch.setattr(vips, "JPEG", (300, 200))
    monkeypatch.setattr(vips, "PROFILED", (90, 60))
    out = run(vips, "--megapixels", 1, "--rounds", 1)
    if vips.find_spec("pyvips") is None:
        assert out == "pyvips is not installed: pip install -r requirements-bench.txt\n"
    else:
        assert len(re.findall(r"of 255, at most|EXIF entries kept", out)) == len(vips.CASES)
