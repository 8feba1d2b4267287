"""What the page says, as HTML: verdicts, evidence, remedies. Every string from outside is escaped."""

import re
from html import escape

from darkroom.verdict import Verdict

SPOKEN = {"readable": "Readable", "damaged": "Damaged", "check": "Check by eye", "error": "Not judged"}

FORMATS = (
    '<p class="hint">JPEG, PNG, WebP, TIFF with 8 or 16 bits, HEIC, camera raw. Drop it, choose it, or paste it with '
    "<kbd>Ctrl</kbd> <kbd>V</kbd>.</p>"
)


def spoken(defect: str) -> str:
    return defect.replace("_", " ").capitalize()


def breakable(name: str) -> str:
    """A file's name, escaped, that wraps after its marks and not in the middle of a word."""
    return re.sub(r"([-_.])", r"\1<wbr>", escape(name))


def card(title: str, body: str) -> str:
    return f'<section class="card"><h3>{title}</h3>{body}</section>'


def verdict_html(verdict: Verdict) -> str:
    """The verdict as a heading, how sure it is, and why."""
    side = "readable" if verdict.p_normal >= 0.5 else "damaged"
    sure = f"{verdict.confidence:.0%} {side}"
    return (
        f'<section class="verdict {verdict.verdict}" role="status" aria-label="Verdict">'
        f'<p class="edge">{breakable(verdict.file)}</p>'
        f"<h2>{SPOKEN[verdict.verdict]}</h2>"
        f'<p class="sure">{sure}, if {verdict.prior:.0%} of such frames are fine.</p>'
        f'<p class="why">{escape(verdict.reason)}</p></section>'
    )


def chances(verdict: Verdict) -> dict[str, float]:
    """The calibrated probabilities for a `gr.Label`."""
    return {"readable": verdict.p_normal, "damaged": 1 - verdict.p_normal}


def defect_bars(verdict: Verdict) -> str:
    """One bar a defect, likeliest first."""
    rows = []
    for name, p in sorted(verdict.defects.items(), key=lambda item: -item[1]):
        strength = "strong" if p >= 0.5 else ""
        rows.append(
            f'<li><span>{escape(spoken(name))}</span><span class="bar" aria-hidden="true">'
            f'<i class="{strength}" style="width:{p:.1%}"></i></span><b>{p:.0%}</b></li>'
        )
    return card("Kinds of damage", f'<ul class="bars">{"".join(rows)}</ul>')


def evidence_html(verdict: Verdict) -> str:
    """What was measured, each line marked fine or not in words as well as in colour."""
    rows = []
    for label, value, fine in verdict.evidence.lines():
        state = "fine" if fine else "look"
        mark = "" if fine else " <em>unusual</em>"
        rows.append(f'<div class="{state}"><dt>{escape(label)}</dt><dd>{escape(value)}{mark}</dd></div>')
    return card("Measured on the film", f'<dl class="evidence">{"".join(rows)}</dl>')


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
