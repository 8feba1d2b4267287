"""The contact sheet as HTML: one button a frame, so that it is reached by keyboard and read out by screen readers."""

import base64
from collections.abc import Sequence
from html import escape

from darkroom.judge.roll import JudgedFrame, Summary

from .words import SPOKEN, breakable

# One listener for the whole sheet survives every redrawing of what is in it.
ON_LOAD = """element.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-frame]");
  if (chosen) trigger("select", { frame: Number(chosen.dataset.frame) });
});"""


def picture_url(jpeg: bytes) -> str:
    """A JPEG as a data URL."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def sheet_html(frames: Sequence[JudgedFrame], order: Sequence[int], chosen: int | None = None) -> str:
    """The frames in this order of their indices; each button carries its index. chosen: the one that is shown."""
    return f'<ol class="sheet">{"".join(_cell(i, frames[i], i == chosen) for i in order)}</ol>'


def examples_html(examples: Sequence[tuple[str, bytes]]) -> str:
    """Small negatives to try, (what it shows, JPEG) each."""
    cells = [
        f'<li class="cell plain"><button type="button" data-frame="{i}"><img alt="" src="{picture_url(small)}">'
        f"<span>{escape(title)}</span></button></li>"
        for i, (title, small) in enumerate(examples)
    ]
    heading = '<h2 class="try">No negative at hand? Try one of these, simulated:</h2>'
    return f'{heading}<ol class="sheet small">{"".join(cells)}</ol>'


def _cell(index: int, frame: JudgedFrame, chosen: bool) -> str:
    name, word = breakable(frame.name.rsplit("/", 1)[-1]), frame.word
    if frame.verdict is None:
        return (
            f'<li class="cell error" data-word="error"><div class="torn" aria-hidden="true"></div>'
            f'<span class="edge">{name}</span><strong>{SPOKEN["error"]}</strong><p>{escape(frame.error)}</p></li>'
        )
    sure = f"{frame.verdict.confidence:.0%}"
    if frame.verdict.evidence.not_negative:
        sure = "no colour negative"
    elif word == "check":
        sure += " readable" if frame.verdict.p_normal >= 0.5 else " damaged"
    current = ' aria-current="true"' if chosen else ""
    return (
        f'<li class="cell {word}" data-word="{word}"><button type="button" data-frame="{index}"{current}>'
        f'<img alt="" loading="lazy" src="{picture_url(frame.thumbnail)}"><span class="edge">{name}</span>'
        f"<strong>{SPOKEN[word]}</strong> <small>{sure}</small></button></li>"
    )


def progress_html(done: int, total: int, seconds: float, note: str = "") -> str:
    """How far a roll is, and how long it will take at the pace so far."""
    if not total:
        return ""
    if done >= total:
        text = f"{total} of {total} done in {spoken_time(seconds)}"
    elif done:
        text = f"{done} of {total} · {spoken_time(seconds / done * (total - done))} left"
    else:
        text = f"0 of {total}"
    bar = f'<progress max="{total}" value="{done}" aria-label="Frames judged"></progress>'
    return f'<div class="progress" role="status">{bar}<span>{escape(note or text)}</span></div>'


def spoken_time(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def summary_html(summary: Summary | None, prior: float) -> str:
    """How many of each, the share of damaged frames with its interval, and what the frames have in common."""
    if summary is None:
        return ""
    counts = "".join(
        f'<li class="{word}"><b>{count}</b> {SPOKEN[word].lower()}</li>'
        for word, count in summary.counts.items()
        if count
    )
    patterns = "".join(f"<li>{escape(sentence)}</li>" for sentence in summary.patterns)
    return (
        f'<section class="summary card" aria-label="Summary of the roll"><ul class="counts">{counts}</ul>'
        f"<p>About <b>{summary.share:.0%}</b> of the roll is damaged (95 % interval {summary.low:.0%} to "
        f"{summary.high:.0%}), if {prior:.0%} of such frames are fine.</p>"
        + (f'<ul class="patterns">{patterns}</ul>' if patterns else "")
        + "</section>"
    )
