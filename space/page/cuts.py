"""What was cut out of a picture: numbered outlines on it, a verdict each, corners to drag; or the whole after all."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from darkroom.film.preview import jpeg, negative_view, thumbnail
from darkroom.film.scan import open_scan
from darkroom.frames.cut import cut, cut_out
from darkroom.judge.roll import JudgedFrame, judged_frames
from darkroom.judge.verdict import Judge

from .judging import PRIVATE, Seen, look_at, refuse, see, share
from .sheet import ON_LOAD, picture_url, sheet_html

if TYPE_CHECKING:
    from .frame import FrameView

WHOLE = -1  # in place of a frame's index
# page.js moves the corners, and says it here when one is let go.
OUTLINES_ON_LOAD = ON_LOAD + """\nelement.addEventListener("outline", (event) => trigger("input", event.detail));"""
CORNERS = ("upper left", "upper right", "lower right", "lower left")
HINT = "An outline is wrong? Drag its corners, or move them with the arrow keys: the frame is judged again."


@dataclass(frozen=True, eq=False)
class Cuts:
    """A picture and the frames that were cut out of it, as the page holds them for a visitor.

    whole: the picture as one frame. picture: a JPEG of it. frames: in reading order. chosen: which is shown, `WHOLE`
    for the picture.
    """

    whole: Seen
    picture: bytes = field(repr=False)
    frames: tuple[JudgedFrame, ...]
    chosen: int = 0

    def at_prior(self, prior: float) -> "Cuts":
        """The same, judged at another prior."""
        frames = tuple(frame.at_prior(prior) for frame in self.frames)
        return replace(self, whole=self.whole.at_prior(prior), frames=frames)

    def polygons(self) -> list[np.ndarray]:
        """Where the frames lie."""
        return [frame.polygon for frame in self.frames if frame.polygon is not None]


def look(
    judge: Judge,
    path: Path,
    name: str,
    prior: float,
    method: str,
    number: int = 0,
    light: str = "auto",
    infrared: Path | None = None,
    polygons: list[np.ndarray] | None = None,
) -> tuple[Seen, Cuts | None]:
    """Open and judge a file: what is to be shown of it, and its frames if it holds several. polygons: where they lie,
    found unless given. Raises ScanError."""
    scan = open_scan(path, name=name, number=number, light=light, infrared=infrared)
    with ThreadPoolExecutor(1) as pool:  # on the other core: a single frame, which most are, waits for no search
        cutting = pool.submit(cut, scan) if polygons is None else pool.submit(cut_out, scan, polygons)
        whole = see(judge, scan, prior, method)
        scans = [*cutting.result()]
    first = scans[0]
    if first is scan:
        return whole, None
    picture = JudgedFrame(name, path, number=number, infrared=infrared)
    frames = tuple(judged_frames(judge, picture, scans, prior))
    small = jpeg(negative_view(whole.negative), quality=75)
    return see(judge, first, prior, method, frames[0].verdict), Cuts(whole, small, frames)


def look_at_frame(judge: Judge, cuts: Cuts, which: int, prior: float, method: str) -> tuple[Seen, Cuts]:
    """One of the frames, or `WHOLE`."""
    if which == WHOLE:
        return cuts.whole, replace(cuts, chosen=WHOLE)
    frame, whole = cuts.frames[which], cuts.whole
    scan = open_scan(whole.path, whole.verdict.file, number=whole.number, light=whole.light, infrared=whole.infrared)
    (mine,) = cut_out(scan, [frame.polygon], frame.which, [frame.base])
    return see(judge, mine, prior, method, frame.verdict), replace(cuts, chosen=which)


def corrected(judge: Judge, cuts: Cuts, which: int, corners: list, prior: float, method: str) -> tuple[Seen, Cuts]:
    """One of the frames with other corners, judged again. Raises ScanError."""
    whole, polygon = cuts.whole, np.array(corners, float).reshape(4, 2)
    file = whole.number, whole.light, whole.infrared
    mine = polygon, cuts.frames[which].which, cuts.frames[which].base
    seen = look_at(judge, whole.path, whole.verdict.file, prior, method, *file, *mine)
    small = thumbnail(seen.negative)
    frame = replace(cuts.frames[which], verdict=seen.verdict, thumbnail=small, polygon=seen.polygon)
    frames = (*cuts.frames[:which], frame, *cuts.frames[which + 1 :])
    return seen, replace(cuts, frames=frames, chosen=which)


def cuts_html(cuts: Cuts) -> str:
    """The picture with its outlines, and the frames beside it; the corners of the one that is shown can be moved."""
    if cuts.chosen == WHOLE:
        return ""
    shapes, numbers = [], []
    for i, frame in enumerate(cuts.frames):
        points = 100 * np.asarray(frame.polygon)
        chosen = " chosen" if i == cuts.chosen else ""
        drawn = " ".join(f"{x:.3f},{y:.3f}" for x, y in points)
        shapes.append(f'<polygon class="{frame.word}{chosen}" data-frame="{i}" points="{drawn}"/>')
        x, y = points.mean(axis=0)
        numbers.append(f'<b class="{frame.word}" style="left:{x:.2f}%;top:{y:.2f}%">{i + 1}</b>')
    handles = [
        f'<button type="button" class="corner" data-corner="{k}" data-outline="{cuts.chosen}" '
        f'style="left:{100 * x:.3f}%;top:{100 * y:.3f}%" '
        f'aria-label="Frame {cuts.chosen + 1}, {CORNERS[k]} corner"></button>'
        for k, (x, y) in enumerate(np.asarray(cuts.frames[cuts.chosen].polygon))
    ]
    count = len(cuts.frames)
    numbered = [replace(frame, name=f"#{i}") for i, frame in enumerate(cuts.frames, 1)]
    gallery = sheet_html(numbered, range(count), cuts.chosen) if count > 1 else ""
    shown = "its frame" if count == 1 else f"its {count} frames"
    return (
        f'<div class="cuts"><figure><div class="laid"><img alt="The picture, with the outlines of {shown}" '
        f'src="{picture_url(cuts.picture)}"><svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(shapes)}</svg>{''.join(numbers)}{''.join(handles)}</div>"
        f'<figcaption class="hint">{HINT}</figcaption></figure>{gallery}</div>'
    )


def whole_button(cuts: Cuts) -> str:
    """What the button says that leads to the picture and back."""
    count = len(cuts.frames)
    if cuts.chosen != WHOLE:
        return "Judge the whole picture"
    return "Judge the frame that was cut" if count == 1 else f"Judge the {count} frames that were found"


def drawn(cuts: Cuts | None) -> list:
    """What was cut, in the order of state, place, outlines and button."""
    if cuts is None:
        return [None, gr.update(visible=False), "", gr.skip()]
    return [cuts, gr.update(visible=True), cuts_html(cuts), gr.update(value=whole_button(cuts))]


def wire_cuts(judge: Judge, view: "FrameView", cuts: gr.State, outlines: gr.HTML, whole: gr.Button) -> None:
    """Wire the frames to the view that shows one of them."""

    def showing(cut: Cuts | None, look_again, percent: float, method: str, damage: bool) -> list:
        """Values for `view.shown`; look_again: what gives a frame and what it was cut out of."""
        if cut is None or not cut.whole.path.is_file():
            raise gr.Error("This picture is no longer kept here; upload it again", duration=None, title="Not opened")
        try:
            frame, cut = look_again(judge, cut, prior=share(percent), method=method)
            return view.show(frame, method, damage, cut)
        except Exception as error:
            raise refuse(error, cut.whole.verdict.file) from None

    def choose(cut: Cuts | None, percent: float, method: str, damage: bool, event: gr.EventData) -> list:
        return showing(cut, partial(look_at_frame, which=event.frame), percent, method, damage)

    def choose_whole(cut: Cuts | None, percent: float, method: str, damage: bool) -> list:
        which = 0 if cut and cut.chosen == WHOLE else WHOLE
        return showing(cut, partial(look_at_frame, which=which), percent, method, damage)

    def correct(cut: Cuts | None, percent: float, method: str, damage: bool, event: gr.EventData) -> list:
        mended = partial(corrected, which=event.frame, corners=event.corners)
        return showing(cut, mended, percent, method, damage)

    def weigh(cut: Cuts | None, percent: float) -> tuple:
        if cut is None:
            return gr.skip(), gr.skip()
        cut = cut.at_prior(share(percent))
        return cut, cuts_html(cut)

    def redraw(cut: Cuts | None) -> str:
        return cuts_html(cut) if cut else ""

    inputs, options = [cuts, view.prior, view.method, view.damage], {"concurrency_id": "judge", **PRIVATE}
    outlines.select(choose, inputs, view.shown, show_progress_on=outlines, **options)
    mended = outlines.input(
        correct, inputs, view.shown, show_progress_on=outlines, trigger_mode="always_last", **options
    )
    mended.failure(redraw, cuts, outlines, **PRIVATE)  # as it was
    whole.click(choose_whole, inputs, view.shown, show_progress_on=whole, **options)
    view.prior.release(weigh, [cuts, view.prior], [cuts, outlines], show_progress="hidden", **PRIVATE)
