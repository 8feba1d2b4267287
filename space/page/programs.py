"""For programs: the named endpoints, which are also the tools that an MCP client sees."""

from pathlib import Path

import gradio as gr
from darkroom.scan import open_scan
from darkroom.verdict import Judge

from . import words
from .judging import refuse, share


def endpoints(judge: Judge) -> None:
    """Wire `/judge` to components that are never shown; call inside the Blocks."""
    with gr.Column(visible=False):
        file = gr.File(label="file")
        prior = gr.Number(0.5, label="prior", minimum=0.01, maximum=0.99)
        label, record = gr.Label(label="probabilities"), gr.JSON(label="verdict")
        button = gr.Button()

    def judge_one(file: str, prior: float = 0.5) -> tuple[dict[str, float], dict]:
        """Tell whether a photo of a colour negative is readable or damaged.

        Args:
            file: the picture: JPEG, PNG, WebP, TIFF (8 or 16 bits), HEIC or camera raw.
            prior: the share of such frames, 0.01 to 0.99, that you expect to be fine.

        Returns:
            The calibrated probabilities of "readable" and "damaged"; and the verdict as a record with the columns of
            the CSV, the reason, and what can be done.
        """
        if file is None:
            raise gr.Error("No file was sent", print_exception=False)
        try:
            verdict = judge.judge(open_scan(file, name=Path(file).name), share(100 * prior))
        except Exception as error:
            raise refuse(error, Path(file).name) from None
        remedies = [{"defect": name, "cause": r.cause, "what_helps": r.mend} for name, r in verdict.remedies]
        return words.chances(verdict), {**verdict.row(), "reason": verdict.reason, "remedies": remedies}

    button.click(judge_one, [file, prior], [label, record], api_name="judge", concurrency_id="judge")
