"""Trust: which weights judge, how well they were measured to, what they cannot see, what becomes of an upload."""

from html import escape
from pathlib import Path

import gradio as gr

from darkroom.hub.card import Card, read_card
from darkroom.judge.verdict import Judge
from darkroom.taxonomy import VERDICTS

from .words import card as boxed

HOW = """<p>A ResNet-18 looks at the negative, mask and all, in its own proportions. It answers for every part of the
frame: readable or not, and each kind of damage. These answers, and how much density there is in the frame, become a
probability that was calibrated on frames kept out of training. Nothing else decides, but that an empty frame is
damaged and a poor scan is to be made again; the other measurements below a verdict are there to be read. Whether a
picture is a colour negative at all is asked separately.</p>
<p>The bundled weights learnt from real negatives with damage put on them, from real scans made negatives again, and
from photographs and drawn scenes put through the densities of a C-41 film, each kind of damage, a camera and a JPEG
encoder. Frames of one source photograph stayed on one side of the split.</p>"""

SOURCE = '<p class="hint">Read from the card of these weights.</p>'

LIMITS = f"""<ul class="plain">
<li>It judges the film, not the picture: a dull photograph on sound film is readable.</li>
<li>It knows colour negatives. Slides, prints and black-and-white film get “{VERDICTS["check"].lower()}” at best.</li>
<li>Damage of a few pixels, faint spots and faint patches of colour are easily missed.</li>
<li>Dirt on the scan and damage of the film can look the same. Clean, rescan, ask again.</li>
<li>Simulated damage is not real damage: expect more errors on your film than the figures say.</li></ul>"""


def kept(keep_seconds: int) -> str:
    """What becomes of an upload."""
    minutes = max(1, round(keep_seconds * 7 / 6 / 60))
    return (
        f"<p>What you upload is held on this server while you look at it and is deleted within {minutes} minutes. "
        "Nothing is stored for longer, shown to others or used for training.</p>"
    )


def figures_html(card: Card) -> str:
    """The figures of the model's card as a table."""
    if not card.figures:
        return "<p>These weights carry no card with figures, so none are shown.</p>"
    rows = "".join(
        f"<tr><td>{escape(figure.metric)}</td><td>{figure.value:.3g}</td><td>{escape(figure.data)}</td></tr>"
        for figure in card.figures
    )
    head = "<thead><tr><th>Measure</th><th>Value</th><th>On</th></tr></thead>"
    return f'<table class="figures">{head}<tbody>{rows}</tbody></table>{SOURCE}'


def weights_html(judge: Judge) -> str:
    """Name and revision of the loaded weights; of a folder only its name, since a visitor has no use for a path."""
    source = Path(judge.source)
    name = source.name if source.is_absolute() or source.is_dir() else judge.source
    bundled = Path(__file__).resolve().parents[1] / "weights"
    name = "the bundled weights" if source == bundled else name
    at = f", revision <code>{escape(judge.revision)}</code>" if judge.revision else ""
    notice = f"<p>{escape(judge.notice)}</p>" if judge.notice else ""
    return f"<p>Loaded: <b>{escape(name)}</b>{at}.</p>{notice}"


def about_tab(judge: Judge, keep_seconds: int) -> None:
    """Lay out the tab; call inside a `gr.Tab`."""
    card = read_card(judge.source, judge.revision)
    summary = f"<p>{escape(card.summary)}</p>" if card.summary else ""
    with gr.Row():
        with gr.Column():
            gr.HTML(boxed("How it judges", HOW))
            gr.HTML(boxed("What it cannot do", LIMITS))
        with gr.Column():
            gr.HTML(boxed("Which weights", weights_html(judge) + summary), elem_id="weights")
            gr.HTML(boxed("How well it was measured to judge", figures_html(card)), elem_id="figures")
            gr.HTML(boxed("Your pictures", kept(keep_seconds)), elem_id="kept")
