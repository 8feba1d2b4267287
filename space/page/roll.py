"""A roll: many files or a ZIP on a light table, worst first, with what they say together and files to take away."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import gradio as gr

from darkroom.files.archive import FrameSource
from darkroom.film.base import of_roll
from darkroom.judge.contact import ContactSheet, zipped
from darkroom.judge.roll import JudgedFrame, judge_roll, sidecars_of, summarise, table_of, worst_first
from darkroom.judge.verdict import Judge

from . import words
from .frame import CLICK_DOWNLOAD, LIGHT, QUESTION, FrameView
from .judging import PRIVATE, frames_of, look_at, new_folder, refuse, share
from .sheet import ON_LOAD, progress_html, sheet_html, summary_html

FILTERS = [("All", "all"), ("Needs a look", "look"), ("Damaged", "damaged"), ("Readable", "readable")]
FILTER_JS = "(show) => { document.querySelector('#roll').dataset.show = show; return show; }"
RULE = "Where a file says nothing, 16 bits are linear if they are dark."
TITLE = "Roll"  # what a roll is called that came in files of its own
TELL_SECONDS = 0.2  # how often the progress bar moves
REDRAW_SECONDS = 1.5  # a sheet of 36 frames is 0.4 MB; redrawing it for every frame would be the work
NOT_YET = [gr.update(interactive=False)] * 4  # the files to take away, while they would be those of the roll before


@dataclass(frozen=True, eq=False)
class Roll:
    """What a visitor's roll is so far: frames in the order of the upload, how many pictures there are, what was said of
    the light in their files, and what it is called."""

    frames: tuple[JudgedFrame, ...]
    total: int
    light: str
    seconds: float = 0.0
    title: str = TITLE


def pictures_of(frames: Sequence[JudgedFrame]) -> list[FrameSource]:
    """The pictures that the frames of a roll are, or were cut from."""
    return [found for found, _ in groupby(frames, key=lambda frame: frame.found)]


def busy(light: str) -> list:
    """How upload, stop, light and table stand while a roll is judged."""
    return [None, gr.update(visible=True), gr.update(value=light, interactive=False), gr.update(visible=True)]


def idle(light: str) -> list:
    """How upload, stop and light stand otherwise."""
    return [None, gr.update(visible=False), gr.update(value=light, interactive=True)]


def roll_tab(judge: Judge, view: FrameView, tabs: gr.Tabs, keep_seconds: int) -> None:
    """Lay out the tab and wire it; call inside a `gr.Tab`. A clicked frame opens in `view`, in the tab "frame"."""
    roll = gr.State(None, time_to_live=keep_seconds)
    upload = gr.File(
        label="The frames of a roll, or a ZIP of them", file_count="multiple", elem_id="roll-files", height=132
    )
    gr.HTML(words.ROLL, elem_id="roll-welcome")
    with gr.Row(elem_id="roll-progress"):
        progress = gr.HTML()
        stop = gr.Button("Stop", variant="stop", visible=False, size="sm", scale=0, min_width=110)
    with gr.Column(visible=False, elem_id="roll") as table:
        summary = gr.HTML()
        with gr.Row():
            prior = gr.Slider(1, 99, value=50, step=1, label=QUESTION, elem_id="roll-prior", buttons=[], scale=2)
            show = gr.Radio(FILTERS, value="all", label="Show", elem_id="roll-filter", scale=2)
            light = gr.Radio(LIGHT, value="auto", label="Light in the files", info=RULE, elem_id="roll-light", scale=2)
        sheet = gr.HTML(js_on_load=ON_LOAD, elem_id="sheet")
        with gr.Row():
            as_csv = gr.DownloadButton("↓ Verdicts, CSV", size="sm", elem_id="save-csv")
            as_xmp = gr.DownloadButton("↓ Sidecars, XMP in a ZIP", size="sm", elem_id="save-xmp")
            as_pdf = gr.Button("↓ Contact sheet, PDF", size="sm", elem_id="save-pdf")
            as_jpeg = gr.Button("↓ Contact sheet, JPEG", size="sm", elem_id="save-sheet")
        printed = gr.DownloadButton("Contact sheet", visible="hidden", elem_id="sheet-file")
    drawn = [summary, sheet, as_csv, as_xmp, as_pdf, as_jpeg]

    def draw(current: Roll, percent: float, final: bool) -> list:
        """Values for `drawn`; the files to take away only when the roll is final."""
        frames = current.frames
        place = {id(frame): i for i, frame in enumerate(frames)}
        order = [place[id(frame)] for frame in worst_first(frames)]
        said = summary_html(summarise(frames), share(percent))
        files = save(frames) if final and frames else NOT_YET
        return [said, sheet_html(frames, order), *files]

    def save(frames: tuple[JudgedFrame, ...]) -> list[dict]:
        folder = new_folder(as_csv)
        table, sidecars = folder / "verdicts.csv", folder / "sidecars.zip"
        table.write_text(table_of(frames), encoding="utf-8")
        sidecars.write_bytes(sidecars_of(frames))
        written = [gr.update(value=str(file), interactive=True) for file in (table, sidecars)]
        return written + [gr.update(interactive=True)] * 2

    def print_sheet(current: Roll | None, suffix: str) -> str:
        if current is None:
            raise gr.Error("This roll is no longer kept here; upload it again", duration=None, title="Not saved")
        with ContactSheet(new_folder(printed) / f"contact-sheet{suffix}", current.title) as made:
            for frame in current.frames:
                made.add(frame.row(), frame.thumbnail)
        return str(made.files[0] if len(made.files) == 1 else zipped(made.files))

    def judge_upload(paths: list[str] | None, percent: float, light: str) -> Iterator[list]:
        if not paths:
            return
        opening = progress_html(0, 1, 0, "Opening the files…")
        yield [*busy(light), opening, Roll((), 0, light), "", "", *NOT_YET]
        archives = [Path(path).stem for path in paths if Path(path).suffix.lower() == ".zip"]
        title = archives[0] if len(paths) == len(archives) == 1 else TITLE
        yield from judge_all(frames_of(upload, paths), percent, light, title)

    def judge_again(current: Roll | None, percent: float, light: str) -> Iterator[list]:
        if current is not None:
            yield from judge_all(pictures_of(current.frames), percent, light, current.title)

    def judge_all(found: list[FrameSource], percent: float, light: str, title: str) -> Iterator[list]:
        still = [gr.skip()] * len(drawn)
        frames, began, redrawn = (), time.monotonic(), 0.0
        shown_at = 0.0
        done = 0  # pictures
        for frame in judge_roll(judge, found, share(percent), light):
            done += not frames or frame.found != frames[-1].found
            frames += (frame,)
            now = time.monotonic()
            current = Roll(frames, len(found), light, now - began, title)
            due = now - redrawn > REDRAW_SECONDS
            redrawn = now if due else redrawn
            if not due and now - shown_at < TELL_SECONDS:
                continue
            shown_at = now
            bar = progress_html(done - 1, len(found), now - began)  # a strip may have more frames yet
            yield [*busy(light), bar, current, *(draw(current, percent, final=False) if due else still)]
        current = Roll(frames, len(found), light, time.monotonic() - began, title)
        bar = progress_html(len(found), len(found), current.seconds)
        yield [*idle(light), gr.update(visible=bool(frames)), bar, current, *draw(current, percent, final=True)]

    def stopped(current: Roll | None, percent: float) -> list:
        if current is None or not current.frames:
            light = current.light if current else "auto"
            return [*idle(light), progress_html(0, 1, 0, "Stopped"), *weigh(None, percent)]
        done = len(pictures_of(current.frames))
        note = f"Stopped after {done} of {current.total}; what was judged stays"
        bar = progress_html(done, current.total, current.seconds, note)
        return [*idle(current.light), bar, *weigh(current, percent)]

    def weigh(current: Roll | None, percent: float) -> list:
        """Values for roll and `drawn`, with the files to take away."""
        if current is None:
            return [gr.skip()] * (1 + len(drawn))
        current = replace(current, frames=tuple(frame.at_prior(share(percent)) for frame in current.frames))
        return [current, *draw(current, percent, final=True)]

    def settle(current: Roll | None, percent: float) -> list:
        """What `weigh` gives, where the slider was moved while the roll was judged at the prior of the beginning."""
        judged = {frame.verdict.prior for frame in current.frames if frame.verdict} if current else set()
        return weigh(current if judged - {share(percent)} else None, percent)

    def open_frame(current: Roll | None, percent: float, method: str, damage: bool, event: gr.EventData) -> list:
        frame = current.frames[event.frame] if current else None
        if frame is None or frame.path is None or not frame.path.is_file():
            raise gr.Error("This roll is no longer kept here; upload it again", duration=None, title="Not opened")
        try:
            base = of_roll(frame.base, [each.base for each in current.frames]) if frame.base else None
            which = frame.number, current.light, frame.infrared, frame.polygon, frame.which, base
            seen = look_at(judge, frame.path, frame.found.name, share(percent), method, *which)
            return [gr.Tabs(selected="frame"), percent, *view.show(seen, method, damage)]
        except Exception as error:
            raise refuse(error, frame.name) from None

    outputs = [upload, stop, light, table, progress, roll, *drawn]
    options = {"show_progress": "hidden", **PRIVATE}
    running = upload.upload(judge_upload, [upload, prior, light], outputs, concurrency_id="roll", **options)
    again = light.input(judge_again, [roll, prior, light], outputs, concurrency_id="roll", **options)
    # Cancelled first, drawn after: the run's last word on its progress must not come behind that it was stopped.
    halted = stop.click(None, cancels=[running, again], **PRIVATE)
    halted.then(stopped, [roll, prior], [upload, stop, light, progress, roll, *drawn], **options)
    for judged in (running, again):
        judged.success(settle, [roll, prior], [roll, *drawn], **options)
    prior.release(weigh, [roll, prior], [roll, *drawn], **options)
    for button, suffix in ((as_pdf, ".pdf"), (as_jpeg, ".jpg")):
        written = button.click(partial(print_sheet, suffix=suffix), roll, printed, show_progress_on=button, **PRIVATE)
        written.success(None, js=CLICK_DOWNLOAD.format("#sheet-file"), **PRIVATE)
    show.input(None, show, show, js=FILTER_JS, **options)
    sheet.select(
        open_frame,
        [roll, prior, view.method, view.damage],
        [tabs, view.prior, *view.shown],
        concurrency_id="judge",
        show_progress_on=sheet,
        **PRIVATE,
    )
