"""The README is true: its tree lists the files that exist and no others, and its commands exist."""

import re
import subprocess
import tomllib

import pytest

from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def tree() -> set[str]:
    """Paths in the README's tree; a line is indented by its folder, and files named in a line's words count."""
    block = README.split("## What is where")[1].split("```")[1]
    found, folder = set(), ""
    parents: dict[int, str] = {0: ""}
    for line in block.strip("\n").splitlines():
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        name, _, words = line.strip().partition(" ")
        folder = parents[indent]
        found |= {folder + name.rstrip("/")} | {folder + other for other in re.findall(r"[\w.-]+\.\w+", words)}
        if name.endswith("/"):
            parents = {k: v for k, v in parents.items() if k <= indent} | {indent + 2: folder + name}
    return found


def test_the_tree_lists_every_module_and_nothing_that_is_gone():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    modules = {path for path in listed if re.match(r"(space|train|bench)/.*\.py$", path) and "__init__" not in path}
    shown = tree()
    assert modules <= shown, f"not in the README: {sorted(modules - shown)}"
    files = {path for path in shown if path.endswith(".py")}
    gone = {path for path in files if not (ROOT / path).exists()}
    assert not gone, f"in the README, but gone: {sorted(gone)}"


def test_no_photograph_is_committed():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pictures = {path for path in listed if re.search(r"\.(png|jpe?g|tiff?|webp|gif|heic)$", path, re.IGNORECASE)}
    ours = {"docs/page.png", "docs/roll.png", "docs/strip.png"}  # of drawn scenes, as the examples are
    assert {path for path in pictures if not path.startswith("space/examples/")} == ours


def test_every_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^    make (\w+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_ci_command_is_the_readmes_test_command():
    assert "    make test " in README
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("exec make test")
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


def test_what_the_page_needs_is_a_pinned_part_of_what_training_needs():
    for name in ("space/requirements.txt", "requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert line.startswith(("#", "-r ")) or re.fullmatch(r"-e \./space|[\w.\[\]-]+==[\w.]+", line), line
    assert "-r space/requirements.txt" in (ROOT / "requirements.txt").read_text()
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text()


def test_the_library_asks_for_what_the_page_pins_but_for_the_page_itself():
    pinned = re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "space/requirements.txt").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "space/pyproject.toml").read_text())["project"]
    assert project["dependencies"] == [f"{name}>={version}" for name, version in pinned]
    assert "gradio" not in dict(pinned), "it has an extra, which the pattern leaves out"


def test_no_source_reaches_for_the_import_path_by_itself():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in listed.split():
        if not path.startswith("tests/"):
            text = (ROOT / path).read_text(encoding="utf-8")
            assert "sys.path" not in text and "E402" not in text, path


@pytest.mark.parametrize("library", ["gradio", "datasets", "evaluate", "accelerate"])
def test_the_library_never_imports(library):
    for path in (ROOT / "space/darkroom").rglob("*.py"):
        assert not re.search(rf"^\s*(import|from) {library}\b", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_every_room_of_the_library_is_installed():
    project = tomllib.loads((ROOT / "space/pyproject.toml").read_text())
    rooms = {path.parent.relative_to(ROOT / "space") for path in (ROOT / "space/darkroom").rglob("*.py")}
    assert {".".join(room.parts) for room in rooms} | {"darkroom.weights"} == set(
        project["tool"]["setuptools"]["packages"]
    )
