"""One frame: drop it, see negative and positive side by side, read the verdict and what it rests on."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from darkroom.files.folder import shortened
from darkroom.film.preview import jpeg
from darkroom.judge.verdict import Judge

from . import words
from .cuts import OUTLINES_ON_LOAD, Cuts, drawn, look, wire_cuts
from .flag import flag_corner
from .judging import PRIVATE, Seen, look_at, new_folder, refuse, save, share
from .sheet import ON_LOAD, examples_html

QUESTION = "Out of 100 such frames, how many do you expect to be fine?"
METHODS = [("Standard (cvt2pos)", "cvt2pos"), ("Density print", "density")]
LIGHT = [("As the file says", "auto"), ("Linear", "linear"), ("Coded", "coded")]
CLICK_DOWNLOAD = "() => setTimeout(() => document.querySelector('{}').click(), 200)"

EXAMPLE_FILES = sorted(
    (Path(__file__).resolve().parents[1] / "examples").glob("*.jpg"), key=lambda p: ("readable" in p.name, p)
)
EXAMPLES = [(path.stem.replace("_", " ").capitalize(), path.read_bytes()) for path in EXAMPLE_FILES]


@dataclass
class FrameView:
    """The tab's components, and how to fill them with a frame from elsewhere."""

    prior: gr.Slider
    method: gr.Radio
    damage: gr.Checkbox
    shown: list

    def show(self, seen: Seen, method: str, damage: bool, cuts: Cuts | None = None) -> list:
        """Values for `shown`. cuts: what the frame was cut out of, if it was."""
        marking = gr.update(info=words.marking(seen.verdict))
        shown = pictures(seen, method, damage, new_folder(self.prior))
        spotting = gr.update(value=seen.spotted, visible=seen.surface is not None)
        return [seen, *opened(), shown, marking, spotting, seen.light, *said(seen), *drawn(cuts)]


def opened() -> tuple[dict, dict, dict]:
    """The judged frame in place of the welcome: updates of welcome, desk and reasons."""
    return gr.update(visible=False), gr.update(visible=True), gr.update(visible=True)


def pictures(seen: Seen, method: str, damage: bool, shelf: Path) -> tuple[str, str]:
    """Write negative and positive as JPEG where Gradio keeps, serves and later deletes its files."""
    stem = shortened(Path(seen.verdict.file).stem)
    paths = shelf / f"{stem}-negative.jpg", shelf / f"{stem}-positive.jpg"
    for path, picture in zip(paths, seen.views(method, damage), strict=True):
        path.write_bytes(jpeg(picture))
    return str(paths[0]), str(paths[1])


def said(seen: Seen) -> list:
    """Everything that is said of a frame, in the order of the components that say it."""
    verdict = seen.verdict
    return [
        words.verdict_html(verdict, seen.note),
        words.chances(verdict),
        words.defect_bars(verdict),
        words.remedies_html(verdict),
        words.evidence_html(verdict),
    ]


def frame_tab(judge: Judge, keep_seconds: int, flags: str = "") -> FrameView:
    """Lay out the tab and wire it; call inside a `gr.Tab`. flags: the data set for wrong verdicts, if any."""
    seen = gr.State(None, time_to_live=keep_seconds)
    with gr.Row(elem_id="intake"):
        upload = gr.File(
            label="Photo or scan of a colour negative", elem_id="frame-file", height=132, scale=3, min_width=280
        )
        with gr.Accordion("Use the camera", open=False, elem_id="camera"):
            camera = gr.Image(
                sources=["webcam"],
                type="filepath",
                format="jpeg",
                label="Photograph the negative against an even light",
                webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"facingMode": "environment"}}),
            )
    with gr.Column(elem_id="welcome") as welcome:
        gr.HTML(words.FORMATS)
        examples = gr.HTML(examples_html(EXAMPLES), js_on_load=ON_LOAD, elem_id="examples")
    cuts = gr.State(None, time_to_live=keep_seconds)
    with gr.Column(visible=False, elem_id="cuts") as place:
        outlines = gr.HTML(js_on_load=OUTLINES_ON_LOAD)
        whole = gr.Button("Judge the whole picture", size="sm", elem_id="judge-whole")
    with gr.Row(visible=False, elem_id="desk") as desk:
        with gr.Column(scale=3, min_width=320):
            slider = gr.ImageSlider(
                label="Negative | positive", type="filepath", max_height=640, elem_id="slider", buttons=["fullscreen"]
            )
            with gr.Row(elem_id="tools"):
                method = gr.Radio(METHODS, value="cvt2pos", label="Positive", scale=3, min_width=280)
                damage = gr.Checkbox(False, label="Mark the damage", scale=2, min_width=160)
                spots = gr.Checkbox(
                    False, label="Mark the dust", info=words.SPOTTING, visible=False, scale=2, min_width=160
                )
            with gr.Row(elem_id="handles"):
                left = gr.Button("↺ Turn left", size="sm", min_width=110)
                right = gr.Button("↻ Turn right", size="sm", min_width=110)
                as_jpeg = gr.Button("↓ JPEG", size="sm", min_width=110, elem_id="save-jpeg")
                as_tiff = gr.Button("↓ 16-bit TIFF", size="sm", min_width=110, elem_id="save-tiff")
            download = gr.DownloadButton("Positive", visible="hidden", elem_id="positive-file")
        with gr.Column(scale=2, min_width=320):
            banner = gr.HTML(elem_classes="verdict-place")
            chances = gr.Label(label="Calibrated probability", show_heading=False, elem_id="chances")
            light = gr.Radio(LIGHT, value="auto", label="Light in the file", elem_id="light")
            prior = gr.Slider(1, 99, value=50, step=1, label=QUESTION, elem_id="prior", buttons=[])
            bars = gr.HTML()
    with gr.Row(visible=False, elem_id="reasons") as reasons:
        with gr.Column(min_width=320):
            remedies = gr.HTML()
        with gr.Column(min_width=320):
            evidence = gr.HTML()
            if flags:
                flag_corner(judge, seen, flags)

    said_by = [banner, chances, bars, remedies, evidence]
    cut_into = [cuts, place, outlines, whole]
    shown = [seen, welcome, desk, reasons, slider, damage, spots, light, *said_by, *cut_into]
    view = FrameView(prior, method, damage, shown)

    def first_look(path: str | None, percent: float, method: str, damage: bool) -> list:
        if path is None:
            return [gr.skip()] * (1 + len(view.shown))
        path = Path(path)
        try:
            frame, cut = look(judge, path, path.name, share(percent), method)
            return [None, *view.show(frame, method, damage, cut)]
        except Exception as error:
            raise refuse(error, path.name) from None

    def try_example(percent: float, method: str, damage: bool, event: gr.EventData) -> list:
        path = EXAMPLE_FILES[event.frame]
        return view.show(look_at(judge, path, path.name, share(percent), method), method, damage)

    def look_again(frame: Seen | None, method: str, damage: bool, quarters: int = 0) -> tuple:
        if frame is None:
            return gr.skip(), gr.skip()
        frame = frame.turned(quarters)
        return frame, pictures(frame, method, damage, new_folder(slider))

    def show_spots(frame: Seen | None, method: str, damage: bool, shown: bool) -> tuple:
        return look_again(frame and frame.with_spots(shown), method, damage)

    def relight(frame: Seen | None, cut: Cuts | None, percent: float, light: str, method: str, damage: bool) -> list:
        if frame is None or not frame.path.is_file():
            return [gr.skip()] * len(view.shown)
        file = cut.whole.verdict.file if cut else frame.verdict.file
        try:
            which = share(percent), method, frame.number, light, frame.infrared
            if cut:
                again, cut = look(judge, frame.path, file, *which, cut.polygons())
            else:
                again = look_at(judge, frame.path, file, *which)
            return view.show(again.with_spots(frame.spotted), method, damage, cut)
        except Exception as error:
            raise refuse(error, file) from None

    def weigh(frame: Seen | None, percent: float) -> list:
        if frame is None:
            return [gr.skip()] * (1 + len(said_by))
        frame = frame.at_prior(share(percent))
        return [frame, *said(frame)]

    def export(frame: Seen | None, method: str, suffix: str) -> str:
        if frame is None or not frame.path.is_file():
            raise gr.Error("This frame is no longer kept here; upload it again", duration=None, title="Not saved")
        try:
            return str(save(frame, new_folder(download), suffix, method))
        except Exception as error:
            raise refuse(error, frame.verdict.file) from None

    for source, event in ((upload, upload.upload), (camera, camera.input)):
        inputs = [source, prior, method, damage]
        # Progress in one place: an animation on each of eleven outputs took half a core from the judging.
        judged = event(
            first_look, inputs, [source, *view.shown], concurrency_id="judge", show_progress_on=source, **PRIVATE
        )
        judged.failure(lambda: None, None, source, **PRIVATE)  # an empty place again, ready for the next file
    inputs = [seen, cuts, prior, light, method, damage]
    light.input(relight, inputs, view.shown, concurrency_id="judge", **PRIVATE)
    wire_cuts(judge, view, cuts, outlines, whole)
    inputs = [prior, method, damage]
    examples.select(try_example, inputs, view.shown, concurrency_id="judge", show_progress_on=examples, **PRIVATE)
    # One after the other: two at once would each begin with the same frame, and the later one undo what the first did.
    quietly = {"concurrency_id": "again", "concurrency_limit": 1, "show_progress": "hidden", **PRIVATE}
    last = {"trigger_mode": "always_last", **quietly}
    inputs, again = [seen, method, damage], [seen, slider]
    for control in (method, damage):
        control.input(look_again, inputs, again, **last)
    spots.input(show_spots, [*inputs, spots], again, **last)
    for button, quarters in ((left, 1), (right, -1)):
        button.click(partial(look_again, quarters=quarters), inputs, again, trigger_mode="multiple", **quietly)
    prior.input(weigh, [seen, prior], [seen, *said_by], **last)
    for button, suffix in ((as_jpeg, ".jpg"), (as_tiff, ".tif")):
        written = button.click(partial(export, suffix=suffix), [seen, method], download, **PRIVATE)
        written.success(None, js=CLICK_DOWNLOAD.format("#positive-file"), **PRIVATE)
    return view
