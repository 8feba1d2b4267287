"""One frame: drop it, see negative and positive side by side, read the verdict and what it rests on."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from darkroom.export import save_positive
from darkroom.preview import jpeg, negative_view, positive_view
from darkroom.verdict import Judge

from . import words
from .judging import Seen, look_at, refuse, share

QUESTION = "Out of 100 such frames, how many do you expect to be fine?"
METHODS = [("Standard (cvt2pos)", "cvt2pos"), ("Density print", "density")]
PRIVATE = {"api_visibility": "private"}
CLICK_DOWNLOAD = "() => setTimeout(() => document.querySelector('#positive-file').click(), 150)"


@dataclass
class FrameView:
    """The components that the roll fills when one of its frames is opened."""

    seen: gr.State
    prior: gr.Slider
    method: gr.Radio
    damage: gr.Checkbox
    shown: list[gr.components.Component]


def pictures(seen: Seen, method: str, damage: bool, folder: str) -> tuple[str, str]:
    """Write negative and positive as JPEG where Gradio keeps, serves and later deletes its files."""
    shelf = Path(folder) / uuid.uuid4().hex
    shelf.mkdir(parents=True)
    stem = Path(seen.verdict.file).stem
    heat = seen.verdict.heat if damage else None
    negative, positive = shelf / f"{stem}-negative.jpg", shelf / f"{stem}-positive.jpg"
    negative.write_bytes(jpeg(negative_view(seen.negative, seen.turns)))
    positive.write_bytes(jpeg(positive_view(seen.negative, method, heat, seen.turns)))
    return str(negative), str(positive)


def said(seen: Seen) -> list:
    """Everything that is said of a frame, in the order of the components that say it."""
    verdict = seen.verdict
    return [
        words.verdict_html(verdict),
        words.chances(verdict),
        words.defect_bars(verdict),
        words.remedies_html(verdict),
        words.evidence_html(verdict),
    ]


def frame_tab(judge: Judge, keep_seconds: int) -> FrameView:
    """Lay out the tab and wire it; call inside a `gr.Tab`."""
    seen = gr.State(None, time_to_live=keep_seconds)
    upload = gr.File(label="Drop a photo of a colour negative", elem_id="frame-file", height=150)
    with gr.Accordion("Camera", open=False, elem_id="camera"):
        camera = gr.Image(
            sources=["webcam"],
            type="filepath",
            format="jpeg",
            label="Photograph the negative against an even light",
            webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"facingMode": "environment"}}),
        )
    with gr.Row(visible=False, elem_id="desk") as desk:
        with gr.Column(scale=3, min_width=320):
            slider = gr.ImageSlider(
                label="Negative | positive", type="filepath", max_height=640, elem_id="slider", buttons=["fullscreen"]
            )
            with gr.Row(elem_id="tools"):
                method = gr.Radio(METHODS, value="cvt2pos", label="Positive", scale=3, min_width=240)
                damage = gr.Checkbox(False, label="Mark the damage", scale=1, min_width=150)
            with gr.Row():
                left = gr.Button("Turn left", size="sm", min_width=90)
                right = gr.Button("Turn right", size="sm", min_width=90)
                as_jpeg = gr.Button("Download JPEG", size="sm", min_width=120)
                as_tiff = gr.Button("Download 16-bit TIFF", size="sm", min_width=120)
            download = gr.DownloadButton("Positive", visible="hidden", elem_id="positive-file")
        with gr.Column(scale=2, min_width=300):
            banner = gr.HTML()
            chances = gr.Label(label="Calibrated probability", show_heading=False, elem_id="chances")
            prior = gr.Slider(1, 99, value=50, step=1, label=QUESTION, elem_id="prior")
            bars, remedies, evidence = gr.HTML(), gr.HTML(), gr.HTML()

    said_by = [banner, chances, bars, remedies, evidence]
    shown = [seen, desk, slider, *said_by]

    def first_look(path: str | None, percent: float, method: str, damage: bool):
        if path is None:
            return [gr.skip()] * (len(shown) + 1)
        try:
            frame = look_at(judge, path, share(percent))
            views = pictures(frame, method, damage, slider.GRADIO_CACHE)
        except Exception as error:
            raise refuse(error, Path(path).name) from None
        return [None, frame, gr.update(visible=True), views, *said(frame)]

    def look_again(frame: Seen | None, method: str, damage: bool, quarters: int = 0):
        if frame is None:
            return gr.skip(), gr.skip()
        frame = frame.turned(quarters)
        return frame, pictures(frame, method, damage, slider.GRADIO_CACHE)

    def weigh(frame: Seen | None, percent: float):
        if frame is None:
            return [gr.skip()] * (1 + len(said_by))
        frame = Seen(frame.path, frame.verdict.at_prior(share(percent)), frame.negative, frame.turns)
        return [frame, *said(frame)]

    def export(frame: Seen | None, method: str, suffix: str) -> str:
        if frame is None or not frame.path.is_file():
            raise gr.Error("This frame is no longer kept here; upload it again", duration=None, title="Not saved")
        folder = Path(download.GRADIO_CACHE) / uuid.uuid4().hex
        try:
            return str(save_positive(frame.path, folder, suffix, method, frame.turns))
        except Exception as error:
            raise refuse(error, frame.verdict.file) from None

    for source, event in ((upload, upload.upload), (camera, camera.input)):
        judged = event(
            first_look,
            [source, prior, method, damage],
            [source, *shown],
            show_progress_on=[source],
            concurrency_id="judge",
            **PRIVATE,
        )
        judged.failure(lambda: None, None, source, **PRIVATE)  # an empty place again, ready for the next file
    for control in (method, damage):
        control.input(look_again, [seen, method, damage], [seen, slider], show_progress="hidden", **PRIVATE)
    for button, quarters in ((left, 1), (right, -1)):
        turn = lambda frame, method, damage, quarters=quarters: look_again(frame, method, damage, quarters)  # noqa: E731
        button.click(turn, [seen, method, damage], [seen, slider], show_progress="hidden", **PRIVATE)
    prior.input(weigh, [seen, prior], [seen, *said_by], show_progress="hidden", trigger_mode="always_last", **PRIVATE)
    for button, suffix in ((as_jpeg, ".jpg"), (as_tiff, ".tif")):
        written = button.click(
            lambda frame, method, suffix=suffix: export(frame, method, suffix), [seen, method], download, **PRIVATE
        )
        written.success(None, js=CLICK_DOWNLOAD, **PRIVATE)
    return FrameView(seen, prior, method, damage, shown)
