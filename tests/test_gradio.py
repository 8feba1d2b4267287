"""What the page works around in Gradio is still there in the version that is pinned; else the workaround can go."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

import page.gradio_import  # noqa: F401 - first, since it imports Gradio
from page.judging import Files

# isort: split
import gradio as gr
from gradio import component_meta, route_utils, utils


def test_it_still_asks_for_the_file_of_every_class_to_write_stubs_beside_it(monkeypatch):
    """Else `page.gradio_import` can go."""
    asked = []

    def no_file(kind: type) -> str:
        asked.append(kind.__name__)
        raise OSError

    monkeypatch.setattr(component_meta.inspect, "getfile", no_file)
    monkeypatch.setattr(component_meta, "create_pyi", lambda *_: pytest.fail("a class without a file has no stubs"))
    type(gr.Textbox)("Probe", (gr.Textbox,), {"__module__": __name__})
    assert asked == ["Probe"]


def test_its_sweeper_still_ends_where_a_file_comes_meanwhile(monkeypatch, tmp_path):
    """Else `judging.Files` can go."""
    old = tmp_path / "old.jpg"
    for kind, ends in ((set, True), (Files, False)):
        old.touch()
        files = kind([str(old)])
        monkeypatch.setattr(route_utils.os, "remove", lambda path, files=files: files.add(f"{path} and another"))
        blocks = SimpleNamespace(blocks={}, temp_file_sets=[files])
        if ends:
            with pytest.raises(RuntimeError, match="changed size during iteration"):
                route_utils.delete_files_created_by_app(blocks, None)
        else:
            route_utils.delete_files_created_by_app(blocks, None)
            assert files == {f"{old} and another"}


def test_it_still_loads_matplotlib_around_what_the_page_calls(monkeypatch):
    """Else the line that hides it in `app.main` can go."""
    used = []
    fake = ModuleType("matplotlib")
    fake.get_backend, fake.use = lambda: "mine", used.append
    monkeypatch.setitem(sys.modules, "matplotlib", fake)
    with utils.MatplotlibBackendMananger():
        assert used == ["agg"]
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as `app.main` has it
    with utils.MatplotlibBackendMananger():
        assert used == ["agg", "mine"]
