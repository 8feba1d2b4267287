"""The page: is this colour negative readable or damaged?

    python space/app.py                                    # http://127.0.0.1:7860 with the bundled weights
    MODEL_ID=user/name MODEL_REVISION=v1 python space/app.py
    FLAG_DATASET=user/flags python space/app.py            # visitors may send wrong verdicts there, with HF_TOKEN set

Layout and wiring only: pictures are the business of `darkroom`, and the rooms of the page are in `page`.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import page.gradio_import  # noqa: F401 - first, since it imports Gradio

# isort: split
import gradio as gr

from darkroom.hub.weights import WeightsError
from darkroom.judge.prefetch import share_memory
from darkroom.judge.verdict import Judge, load
from page.about import about_tab
from page.frame import EXAMPLE_FILES, frame_tab
from page.judging import make_sweepable, warm
from page.programs import endpoints, guide_tab
from page.roll import roll_tab
from page.theme import CSS, HEAD, theme

TITLE = "Darkroom: is this colour negative readable?"
KEEP_SECONDS = 3600  # an upload is deleted when it is this old
LARGEST_UPLOAD = "1gb"
HEADER = """<header class="masthead"><p class="edge" aria-hidden="true">▸ 12 &nbsp; ▸ 12A</p>
<h1>Is this negative readable?</h1>
<p>Drop a photo or scan of a colour negative: see the positive, a verdict, and what it rests on.</p></header>"""


def build(judge: Judge, keep_seconds: int = KEEP_SECONDS, flags: str = "") -> gr.Blocks:
    """The whole page around one loaded model; what visitors upload is deleted after `keep_seconds`.

    flags: the Hub's data set to which a visitor may send a wrong verdict, who is then asked; empty for none.
    """
    with gr.Blocks(
        title=TITLE, delete_cache=(max(keep_seconds // 6, 1), keep_seconds), analytics_enabled=False
    ) as page:
        gr.HTML(HEADER)
        with gr.Tabs() as tabs:
            with gr.Tab("One frame", id="frame"):
                view = frame_tab(judge, keep_seconds, flags)
            with gr.Tab("A roll", id="roll"):
                roll_tab(judge, view, tabs, keep_seconds)
            with gr.Tab("For programs", id="programs"):
                guide_tab(page)
            with gr.Tab("About", id="about"):
                about_tab(judge, keep_seconds)
        endpoints(judge)
    make_sweepable(page)
    return page.queue(default_concurrency_limit=2, max_size=64)


def launch(page: gr.Blocks, **options):
    """Serve the page in its own look; `options` are those of `gr.Blocks.launch`."""
    return page.launch(theme=theme(), css_paths=CSS, head=HEAD, max_file_size=LARGEST_UPLOAD, **options)


def main() -> int:
    """Load the model and serve the page. Returns the exit code."""
    share_memory()
    # A verdict is many short steps in threads beside the server's own: by itself Python lets each run 5 ms before it
    # passes the lock on, and a verdict takes a tenth longer.
    sys.setswitchinterval(0.0005)
    try:
        judge = load(os.environ.get("MODEL_ID") or None, os.environ.get("MODEL_REVISION"), bundled_if_down=True)
    except WeightsError as error:
        print(error, file=sys.stderr)
        return 2
    sys.modules["matplotlib"] = None  # we draw no plots; Gradio would load it while the first visitor waits
    with ThreadPoolExecutor(1) as pool:
        warmed = pool.submit(warm, judge, EXAMPLE_FILES[0])  # on the other core, while the page is built
        page = build(judge, flags=os.environ.get("FLAG_DATASET", ""))
        warmed.result()
    launch(page, mcp_server=True, footer_links=["api"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
