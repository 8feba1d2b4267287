"""What the page says, as HTML: verdicts, evidence, remedies. Every string from outside is escaped."""

import re
from html import escape

from darkroom.files.archive import MOST_FRAMES
from darkroom.judge.record import Verdict
from darkroom.judge.roll import SPOKEN as SPOKEN
from darkroom.taxonomy import display_name

FORMATS = (
    '<p class="hint">JPEG, PNG, WebP, TIFF with 8 or 16 bits, HEIC, camera raw. Drop it, choose it, or paste it with '
    "<kbd>Ctrl</kbd> <kbd>V</kbd>. A photograph of a strip becomes its frames.</p>"
)
ROLL = (
    f'<p class="hint">Up to {MOST_FRAMES} frames. They come out on a light table, worst first, with a summary of the '
    "roll, a table, sidecars that other programs read, and a contact sheet to print.</p>"
)

MARK_SEEN = 0.25  # probability from which a mark can be told from the picture under it

# What it means when a measurement is not as it should be, by the name that `Evidence.lines` gives it.
UNUSUAL = {
    "Density span": "Little lies between the film's clearest and densest parts: it got too little light, or has faded.",
    "Lighter than film base": "Sound film has no such place: bare light comes through, as at a hole or a tear.",
    "Opaque, mask colour gone": "Sound film has next to none: grey and dense is silver that was not bleached, or dirt.",
    "Without grain or texture": "More than in most frames: an even sky, or a part of the film that holds no picture.",
    "Clipped": "The scan lost its darkest or lightest tones: another exposure of the scan would show them.",
    "Sharpness": "A soft scan: fine damage does not show in it. Focus on the film's grain.",
    "Dust and scratches in infrared": "Dyes let infrared through: what is dark there lies on the film. Clean it.",
    "Holes in infrared": "More light than any film lets through: there is none.",
    "JPEG quality": "Compressed hard: fine damage is lost, and blocks can look like it.",
}


def spoken(defect: str) -> str:
    """A kind of damage as a heading."""
    return display_name(defect).capitalize()


def breakable(name: str) -> str:
    """A file's name, escaped, that wraps after its marks and not in the middle of a word."""
    return re.sub(r"([-_.])", r"\1<wbr>", escape(name))


def card(title: str, body: str) -> str:
    """A box with a heading."""
    return f'<section class="card"><h3>{title}</h3>{body}</section>'


def verdict_html(verdict: Verdict, note: str = "") -> str:
    """The verdict as a heading, how sure it is, and why. note: what is to be said of its file."""
    noted = f'<p class="hint">{escape(note)}</p>' if note else ""
    side = "readable" if verdict.p_normal >= 0.5 else "damaged"
    sure = f"{verdict.confidence:.0%} {side}, if {verdict.prior:.0%} of such frames are fine."
    if verdict.evidence.not_negative:
        sure = ""
    return (
        f'<section class="verdict {verdict.verdict}" role="status" aria-label="Verdict">'
        f'<p class="edge">{breakable(verdict.file)}</p>'
        f"<h2>{SPOKEN[verdict.verdict]}</h2>"
        f'<p class="sure">{sure}</p>'
        f'<p class="why">{escape(verdict.explanation)}</p>{noted}</section>'
    )


def chances(verdict: Verdict) -> dict[str, float]:
    """The calibrated probabilities for a `gr.Label`; none of what is no colour negative."""
    if verdict.evidence.not_negative:
        return {}
    return {"readable": verdict.p_normal, "damaged": 1 - verdict.p_normal}


def defect_bars(verdict: Verdict) -> str:
    """One bar a defect, likeliest first; none of what is no colour negative."""
    if verdict.evidence.not_negative:
        return ""
    rows = []
    for name, p in sorted(verdict.defects.items(), key=lambda item: -item[1]):
        strength = "strong" if p >= 0.5 else ""
        rows.append(
            f'<li><span>{escape(spoken(name))}</span><span class="bar" aria-hidden="true">'
            f'<i class="{strength}" style="width:{p:.1%}"></i></span><b>{p:.0%}</b></li>'
        )
    return card("Kinds of damage", f'<ul class="bars">{"".join(rows)}</ul>')


def evidence_html(verdict: Verdict) -> str:
    """What was measured; a line that is not as it should be says what that means, in words as well as in colour."""
    lines, rows = verdict.lines(), []
    for label, value, fine in lines:
        state = "fine" if fine else "look"
        meaning = "" if fine else f"<em>{UNUSUAL.get(label, 'Unlike most sound frames.')}</em>"
        rows.append(f'<div class="{state}"><dt>{escape(label)}</dt><dd>{escape(value)}{meaning}</dd></div>')
    unusual = not all(fine for _, _, fine in lines)
    hint = '<p class="hint">What is explained is unusual: a hint, not yet a fault.</p>' if unusual else ""
    return card("Measured on the film", f'<dl class="evidence">{"".join(rows)}</dl>{hint}')


def marking(verdict: Verdict) -> str:
    """What the marks mean, or that there is nothing to mark."""
    if verdict.evidence.not_negative:
        return "Nothing to mark: this is no colour negative."
    if verdict.heat.max() < MARK_SEEN:
        return f"Nothing to mark: no damage is more than {MARK_SEEN:.0%} likely."
    return "The stronger the colour, the likelier the damage."


SPOTTING = "Seen in infrared. Blue: dust and scratches. Yellow: holes."


def remedies_html(verdict: Verdict) -> str:
    """For each defect found: its cause and what mends it; nothing where nothing was found."""
    if not verdict.remedies:
        return ""
    rows = [
        f"<li><b>{escape(spoken(name))}</b><p>Cause: {escape(remedy.cause)}.</p>"
        f"<p>What helps: {escape(remedy.mend)}.</p></li>"
        for name, remedy in verdict.remedies
    ]
    return card("What can be done", f'<ul class="remedies">{"".join(rows)}</ul>')
