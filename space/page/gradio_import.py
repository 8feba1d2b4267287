"""Import Gradio without the type stubs that it rewrites beside its components at every import: a third of that import.

For each of its classes Gradio parses its own source and renders a `.pyi` for editors. A class without a file, which
`inspect.getfile` reports by OSError, it leaves alone; so while it is imported, its classes have none.
"""

import inspect
from unittest.mock import patch

_getfile = inspect.getfile


def _no_file(thing: object) -> str:
    if str(getattr(thing, "__module__", "")).startswith("gradio."):
        raise OSError("not asked for")
    return _getfile(thing)


with patch.object(inspect, "getfile", _no_file):
    import gradio  # noqa: F401
