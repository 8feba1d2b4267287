"""“This verdict is wrong”: shown only where the host has named a data set, and nothing is sent without consent."""

import logging
from html import escape
from pathlib import Path

import gradio as gr

from darkroom.hub.flag import FlagTooLarge, send_flag
from darkroom.judge.verdict import Judge

from .judging import PRIVATE, Seen

log = logging.getLogger(__name__)


def flag_corner(judge: Judge, seen: gr.State, dataset: str) -> None:
    """Lay out and wire the corner for the frame in `seen`; call where it belongs."""
    link = f'<a href="https://huggingface.co/datasets/{escape(dataset)}">{escape(dataset)}</a>'
    with gr.Accordion("This verdict is wrong", open=False, elem_id="flag"):
        gr.HTML(
            "<p>Your picture can help to train a better judge. It would be sent, with all that the camera wrote into "
            f"it but without its name, to the data set {link}.</p>"
        )
        consent = gr.Checkbox(False, label=f"I may share this picture, and agree that {dataset} keeps it")
        send = gr.Button("Send it", interactive=False, size="sm")
        answer = gr.HTML()

    def send_it(frame: Seen | None, agreed: bool) -> tuple:
        if frame is None or not frame.path.is_file():
            raise gr.Error("This frame is no longer kept here; upload it again", duration=None, title="Not sent")
        if not agreed:
            raise gr.Error("Nothing was sent: tick that you agree first", duration=None, title="Not sent")
        source = Path(judge.source)
        try:
            weights = source.name if source.is_dir() else judge.source
            by = {"prior": frame.verdict.prior, "weights": weights, "revision": judge.revision}
            send_flag(dataset, frame.path, {**frame.verdict.row(), **by})
        except FlagTooLarge as error:
            raise gr.Error(str(error), duration=None, title="Not sent") from None
        except Exception as error:
            log.error("could not send a flag", exc_info=error)
            raise gr.Error(
                "The data set could not be reached; nothing was sent", duration=None, title="Not sent"
            ) from None
        return False, gr.update(interactive=False), '<p role="status">Sent. Thank you.</p>'

    consent.input(lambda agreed: gr.update(interactive=agreed), consent, send, show_progress="hidden", **PRIVATE)
    send.click(send_it, [seen, consent], [consent, send, answer], **PRIVATE)
    seen.change(lambda: (False, gr.update(interactive=False), ""), None, [consent, send, answer], **PRIVATE)
