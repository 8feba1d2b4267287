"""The library as a user has it: installed by pip, three names at the top, its examples true."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import darkroom
from conftest import ROOT
from darkroom.film import inversion, scan
from darkroom.frames.cut import only_frame
from darkroom.judge import verdict
from test_cut import coded, jpeg, strip_picture

EXAMPLE = ROOT / "space/examples/dye_removal.jpg"


def run(*words: object, cwd: Path, path: Path = ROOT / "space") -> str:
    environment = os.environ | {"PYTHONPATH": str(path)}
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_names_stand_at_the_top():
    assert darkroom.__all__ == ["invert", "load", "open_scan"] and set(darkroom.__all__) <= set(dir(darkroom))
    assert darkroom.load is verdict.load
    assert darkroom.invert is inversion.invert and darkroom.open_scan is scan.open_scan
    with pytest.raises(AttributeError, match="develop"):
        darkroom.develop  # noqa: B018


def test_who_inverts_loads_no_network_and_who_judges_loads_no_torch(tmp_path):
    code = "import sys, darkroom; darkroom.open_scan, darkroom.invert; assert 'ncnn' not in sys.modules"
    judged = f"darkroom.load().judge({str(EXAMPLE)!r}); assert 'torch' not in sys.modules"
    run(sys.executable, "-c", f"{code}; {judged}; assert 'ncnn' in sys.modules", cwd=tmp_path)


def test_the_example_in_the_package_is_true(tmp_path, monkeypatch):
    shutil.copy(EXAMPLE, tmp_path / "frame.jpg")
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(darkroom)
    assert found.attempted >= 5 and not found.failed


def test_the_readmes_example_runs(tmp_path):
    shutil.copy(EXAMPLE, tmp_path / "frame.jpg")
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    word, p_normal, *_ = run(sys.executable, "-c", code, cwd=tmp_path).split()
    expected = darkroom.load().judge(EXAMPLE)
    assert (word, float(p_normal)) == (expected.verdict, pytest.approx(expected.p_normal, abs=1e-5))


def test_bytes_a_path_and_a_scan_are_judged_alike(weights):
    judge = darkroom.load(weights)
    by_scan = judge.judge(darkroom.open_scan(EXAMPLE))
    for source in (EXAMPLE, str(EXAMPLE), EXAMPLE.read_bytes()):
        assert judge.judge(source).p_normal == by_scan.p_normal


def test_an_only_frame_between_its_holes_is_judged_alone_and_an_open_scan_as_it_is():
    path, judge = EXAMPLE.with_name("readable_sprockets.jpg"), darkroom.load()
    scan = darkroom.open_scan(path)
    frame, whole, said = judge.judge(only_frame(scan)), judge.judge(scan), judge.judge(path)
    assert said.p_normal == frame.p_normal != whole.p_normal and said.heat.shape == frame.heat.shape
    strip = strip_picture(4)[0]
    file = jpeg(coded(strip))
    assert judge.judge(file).p_normal == judge.judge(darkroom.open_scan(file)).p_normal  # of several, all of it


def test_pip_installs_the_library_with_its_model_and_its_command(tmp_path):
    """A copy is installed, since building leaves its traces; nothing is fetched."""
    left_out = shutil.ignore_patterns("__pycache__", "examples", "*.egg-info")
    shutil.copytree(ROOT / "space", tmp_path / "space", ignore=left_out)
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip", "install", *offline)
    run(*pip, "--target", tmp_path / "site", tmp_path / "space", cwd=tmp_path)
    shutil.rmtree(tmp_path / "space")
    said = run(tmp_path / "site/bin/darkroom", "judge", EXAMPLE, cwd=tmp_path, path=tmp_path / "site")
    assert said.startswith(f"{EXAMPLE}: {darkroom.load().judge(EXAMPLE).verdict} ")
    assert (tmp_path / "site/darkroom/py.typed").exists() and not (tmp_path / "site/page").exists()
