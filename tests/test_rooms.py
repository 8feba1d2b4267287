"""The imports allowed between the packages, the length of a source file, and that no code is written twice."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from conftest import ROOT

SPACE, TRAIN, BENCH = (ROOT / name for name in ("space", "train", "bench"))
LONGEST = 220  # lines of a source file
MOST_SHARED = 10  # consecutive lines of code that may be in two places

# The other packages that each may import; the commands beside them may import all.
LIBRARY = {
    "taxonomy": set(),
    "files": set(),
    "film": {"files", "taxonomy"},
    "frames": {"files", "film"},
    "hub": set(),
    "judge": {"files", "film", "frames", "hub", "taxonomy"},
    "scoring": {"files", "film", "frames", "hub", "judge", "taxonomy"},
}
TRAINING = {
    "learning": set(),
    "simulator": set(),
    "reporting": {"learning"},
    "hub": {"learning"},
}


def imported(path: Path) -> set[str]:
    """The full names of all modules that a file imports, including relative imports."""
    package = path.relative_to(SPACE if SPACE in path.parents else TRAIN).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            found |= {module} | {f"{module}.{name.name}" for name in node.names}
    return found


def rooms_of(modules: set[str], inside: str, rooms: dict[str, set[str]]) -> set[str]:
    """Which of the rooms these modules lie in; `inside` is the package that holds them, with its dot, or empty."""
    below = {module.removeprefix(inside).split(".")[0] for module in modules if module.startswith(inside)}
    return below & rooms.keys()


@pytest.mark.parametrize("room", LIBRARY)
def test_a_room_of_the_library_knows_only_those_below_it(room: str):
    folder = SPACE / "darkroom" / room
    for path in [*folder.rglob("*.py")] or [folder.with_suffix(".py")]:
        modules = imported(path)
        assert rooms_of(modules, "darkroom.", LIBRARY) - {room} <= LIBRARY[room], path
        assert not any(module.startswith("darkroom.command") for module in modules), path


@pytest.mark.parametrize("room", TRAINING)
def test_a_room_of_training_knows_no_command_and_only_those_below_it(room: str):
    commands = {path.stem for path in TRAIN.glob("*.py")}
    for path in (TRAIN / room).rglob("*.py"):
        modules = imported(path)
        assert rooms_of(modules, "", TRAINING) - {room} <= TRAINING[room], path
        assert not {module.split(".")[0] for module in modules} & commands, path


def test_neither_the_library_nor_the_page_knows_training_and_the_library_does_not_know_the_page():
    training = {path.stem for path in TRAIN.iterdir()} - {"__pycache__", "recipe"}
    for path in SPACE.rglob("*.py"):
        beyond = training if "page" in path.parts or path.name == "app.py" else {*training, "page", "app", "gradio"}
        assert not {module.split(".")[0] for module in imported(path)} & beyond, path


def test_the_rules_name_every_room():
    def rooms(folder: Path) -> set[str]:
        return {path.parent.name for path in folder.glob("*/__init__.py")}

    assert rooms(SPACE / "darkroom") == LIBRARY.keys() - {"taxonomy"}
    assert rooms(TRAIN) == TRAINING.keys()


def test_a_relative_import_is_read_as_what_it_names():
    modules = imported(SPACE / "darkroom/film/scan.py")
    assert {"darkroom.files.decode", "darkroom.film.inversion"} <= modules
    assert rooms_of(modules, "darkroom.", LIBRARY) == {"files", "film"}


def test_no_source_is_longer_than_a_readers_head():
    for path in (path for folder in (SPACE, TRAIN, BENCH) for path in folder.rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST, f"{path} has {lines} lines: cut it where there is a seam"


def code_of(path: Path) -> list[tuple[int, str]]:
    """(number, text) of the lines of a file without indentation, blank lines, comments and imports."""
    text = path.read_text(encoding="utf-8")
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported_at = {line for node in imports for line in range(node.lineno, node.end_lineno + 1)}
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if number not in imported_at)
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def shared(paths: list[Path], count: int) -> list[str]:
    """The places that have `count` consecutive lines of code in common with another place."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        lines = code_of(path)
        for first in range(len(lines) - count + 1):
            window = lines[first : first + count]
            places[tuple(line for _, line in window)].append(f"{path}:{window[0][0]}")
    return [" = ".join(where) for where in places.values() if len(where) > 1]


def test_no_two_places_share_more_than_ten_lines(tmp_path: Path):
    copies = [tmp_path / "one.py", tmp_path / "other.py"]
    for number, copy in enumerate(copies):
        copy.write_text(f"import os\nname = {number}\n" + "".join(f"x{i} = {i}\n" for i in range(MOST_SHARED + 1)))
    assert len(shared(copies, MOST_SHARED + 1)) == 1
    sources = [path for folder in (SPACE, TRAIN, BENCH, ROOT / "tests") for path in folder.rglob("*.py")]
    assert not shared(sources, MOST_SHARED + 1)
