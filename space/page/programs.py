"""For programs: the named endpoints, which are also the tools that an MCP client sees, and how to call them."""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.route_utils import get_root_url

from darkroom.files.light import LIGHTS
from darkroom.film.export import save_positive
from darkroom.film.scan import open_scan
from darkroom.frames import find_frames
from darkroom.frames.cut import OutlineError, cut, cut_out, only_frame
from darkroom.judge import roll as rolls
from darkroom.judge.verdict import Judge

from . import words
from .judging import frames_of, new_folder, note_on, refuse, share

GUIDE = """### Call it from a program

| endpoint | takes | gives |
|---|---|---|
| `/judge` | `file`, `prior` (0.5), `light` (`auto`) | probabilities; the verdict as a record |
| `/judge_frames` | `file`, `prior`, `light`, `corners` (where the frames lie, if they are not to be found) | one \
record a frame of a strip, with its `corners` |
| `/judge_roll` | `files` (pictures or ZIPs), `prior`, `light` | one record a frame; a summary; the table as CSV |
| `/invert` | `file`, `method` (`cvt2pos`, `density`), `kind` (`jpeg`, `tiff`), `light` | the positive at full size |

`prior` is the share of such frames, 0.01 to 0.99, that you expect to be fine. `light` is what the files hold: `linear`,
`coded`, or `auto`, as each file says. A file that cannot be judged is an error that names it; in a roll it is a record
whose `error` says why. Of a TIFF of several frames `/judge` and `/invert` take the first, and the `note` of `/judge`
says so; `/judge_roll` judges all, and takes `frame_IR.tif` for the infrared of `frame.tif`. Of a strip `/judge` and
`/invert` take the whole picture; `/judge_frames` and `/judge_roll` judge each of its frames. `corners` are four
`[x, y]` a frame, shares of the picture's width and height, clockwise from the upper left. What is no colour negative
has `not_negative` filled, and no probabilities.

```python
from gradio_client import Client, handle_file

client = Client("{url}")
probabilities, verdict = client.predict(handle_file("frame.jpg"), 0.5, api_name="/judge")
print(verdict["verdict"], verdict["p_normal"], verdict["reason"])
```

```bash
# 1. upload the file, 2. ask, 3. read the answer
FILE=$(curl -s -F files=@frame.jpg {url}gradio_api/upload | cut -d'"' -f2)
EVENT=$(curl -s {url}gradio_api/call/judge -H 'Content-Type: application/json' \\
  -d '{{"data": [{{"path": "'$FILE'", "meta": {{"_type": "gradio.FileData"}}}}, 0.5, "auto"]}}' | cut -d'"' -f4)
curl -s {url}gradio_api/call/judge/$EVENT
```

The same four are tools of an MCP server, at `{url}gradio_api/mcp/` (streamable HTTP).
"""


MOST_OUTLINES = 60  # in one question


def outlines(corners: list, name: str) -> list[np.ndarray]:
    """Corners as a program sends them. Raises OutlineError where they are none."""
    try:
        found = np.asarray(corners, float)
        if found.shape[1:] == (4, 2) and len(found) <= MOST_OUTLINES and np.isfinite(found).all():
            return [*found]
    except (TypeError, ValueError):
        pass
    raise OutlineError(f"{name}: corners are four [x, y] a frame, of {MOST_OUTLINES} frames at most; send such a list")


def cornered(frame: rolls.JudgedFrame) -> list | None:
    """Where a frame lies on its picture, for JSON; None where it is the picture."""
    return None if frame.polygon is None else np.round(frame.polygon, 5).tolist()


def record(frame: rolls.JudgedFrame, **more: Any) -> dict:
    """The columns of the CSV, with the remedies of a judged frame, and what more is to be said of it."""
    if frame.verdict is None:
        return frame.row()
    remedies = [{"defect": name, "cause": r.cause, "what_helps": r.mend} for name, r in frame.verdict.remedies]
    return {**frame.row(), **more, "remedies": remedies}


def endpoints(judge: Judge) -> None:
    """Wire the endpoints to components that are never shown; call inside the Blocks."""
    unseen = {"visible": False}  # said of each: for what is only in a hidden column the browser still loads the code
    file, uploads = gr.File(label="file", **unseen), gr.File(label="files", file_count="multiple", **unseen)
    prior = gr.Number(0.5, label="prior", minimum=0.01, maximum=0.99, **unseen)
    method = gr.Dropdown(["cvt2pos", "density"], value="cvt2pos", label="method", **unseen)
    light = gr.Dropdown(list(LIGHTS), value="auto", label="light", **unseen)
    kind = gr.Dropdown(["jpeg", "tiff"], value="jpeg", label="kind", **unseen)
    label, verdict = gr.Label(label="probabilities", **unseen), gr.JSON(label="verdict", **unseen)
    records, summary = gr.JSON(label="verdicts", **unseen), gr.JSON(label="summary", **unseen)
    table, positive = gr.File(label="CSV", **unseen), gr.File(label="positive", **unseen)
    corners, each = gr.JSON(label="corners", **unseen), gr.JSON(label="frames", **unseen)
    ask, ask_frames, ask_roll, ask_positive = (gr.Button(**unseen) for _ in range(4))

    def judge_one(file: str, prior: float = 0.5, light: str = "auto") -> tuple[dict[str, float], dict]:
        """Tell whether a photo of a colour negative is readable or damaged.

        Args:
            file: the picture: JPEG, PNG, WebP, TIFF (8 or 16 bits), HEIC or camera raw.
            prior: the share of such frames, 0.01 to 0.99, that you expect to be fine.
            light: "linear" or "coded" where the file says neither and "auto" would be wrong.

        Returns:
            The calibrated probabilities of "readable" and "damaged"; and the verdict as a record with the columns of
            the CSV, a note on the file (how its light was read; that only the first of its frames was judged), and
            what can be done. A picture that is no colour negative has no probabilities.
        """
        path = sent(file)
        try:
            scan = open_scan(path, name=path.name, light=light)
            frames = find_frames(scan)
            found = judge.judge(only_frame(scan, frames), share(100 * prior))
        except Exception as error:
            raise refuse(error, path.name) from None
        note = note_on(scan, whole="By /judge_roll")
        note += f" It holds {len(frames)} frames; /judge_frames judges each." if len(frames) > 1 else ""
        return words.chances(found), record(rolls.JudgedFrame(path.name, path, found), note=note.strip())

    def judge_frames(file: str, prior: float = 0.5, light: str = "auto", corners: list | None = None) -> list[dict]:
        """Judge each frame of a photograph of a strip, a sleeve or a holder of colour negatives.

        Args:
            file: the picture, as for `judge`.
            prior: the share of such frames, 0.01 to 0.99, that you expect to be fine.
            light: "linear" or "coded" where the file says neither and "auto" would be wrong.
            corners: four [x, y] a frame, shares of width and height, clockwise from the upper left; found if not given.

        Returns:
            One record a frame in reading order, as of `judge`, with its corners; of a picture that is one frame, one
            without corners.
        """
        path = sent(file)
        try:
            scan = open_scan(path, name=path.name, light=light)
            scans = cut(scan) if not corners else [*cut_out(scan, outlines(corners, path.name))]
            judged = rolls.judged_frames(judge, rolls.JudgedFrame(path.name, path), scans, share(100 * prior))
            note = note_on(scan, whole="By /judge_roll")
            return [record(frame, note=note, corners=cornered(frame)) for frame in judged]
        except Exception as error:
            raise refuse(error, path.name) from None

    def judge_many(files: list[str], prior: float = 0.5, light: str = "auto") -> tuple[list[dict], dict, str]:
        """Judge a roll of colour negatives: many pictures, or ZIP archives of them.

        Args:
            files: the pictures or ZIP archives.
            prior: the share of such frames, 0.01 to 0.99, that you expect to be fine.
            light: "linear" or "coded" where the files say neither and "auto" would be wrong.

        Returns:
            One record a frame, a file that cannot be judged with its error; a summary with the counts, the expected
            share of damaged frames with its 95 % interval, and what the frames have in common; the records as CSV.
        """
        if not files:
            raise gr.Error("No files were sent", print_exception=False)
        frames = list(rolls.judge_roll(judge, frames_of(uploads, files), share(100 * prior), light))
        whole = rolls.summarise(frames)
        written = new_folder(table) / "verdicts.csv"
        written.write_text(rolls.table_of(frames), encoding="utf-8")
        summary = whole.as_dict() if whole else {"counts": rolls.counted(frames)}
        return [record(frame) for frame in frames], summary, str(written)

    def invert_one(file: str, method: str = "cvt2pos", kind: str = "jpeg", light: str = "auto") -> str:
        """Make the positive of a colour negative at full size, with the EXIF and ICC data of the file.

        Args:
            file: the picture: JPEG, PNG, WebP, TIFF (8 or 16 bits; of several pages the first), HEIC or camera raw.
            method: "cvt2pos", the reference, or "density", which works as a darkroom print does.
            kind: "jpeg" with 8 bits or "tiff" with 16 bits a channel.
            light: "linear" or "coded" where the file says neither and "auto" would be wrong.

        Returns:
            The positive as a file.
        """
        path = sent(file)
        try:
            suffix = {"jpeg": ".jpg", "tiff": ".tif"}[kind]
            return str(save_positive(path, new_folder(positive), suffix, method, light=light))
        except Exception as error:
            raise refuse(error, path.name) from None

    ask.click(judge_one, [file, prior, light], [label, verdict], api_name="judge", concurrency_id="judge")
    options = {"api_name": "judge_frames", "concurrency_id": "judge"}
    ask_frames.click(judge_frames, [file, prior, light, corners], each, **options)
    answers = [records, summary, table]
    ask_roll.click(judge_many, [uploads, prior, light], answers, api_name="judge_roll", concurrency_id="roll")
    ask_positive.click(invert_one, [file, method, kind, light], positive, api_name="invert", concurrency_id="judge")


def sent(file: str | None) -> Path:
    """The file that a program sent. Raises `gr.Error` where there is none."""
    if file is None:
        raise gr.Error("No file was sent", print_exception=False)
    return Path(file)


def guide_tab(page: gr.Blocks) -> None:
    """Lay out the tab; call inside a `gr.Tab`. The examples name the address under which the visitor came."""
    guide = gr.Markdown(GUIDE.format(url="http://127.0.0.1:7860/"), elem_id="guide")

    def addressed(request: gr.Request) -> str:
        # Gradio knows the sub-path that a proxy puts before the page from its headers and the root path.
        asked = request.request
        here = get_root_url(asked, route_path="/gradio_api/queue/join", root_path=asked.scope.get("root_path"))
        return GUIDE.format(url=here.rstrip("/") + "/")

    page.load(addressed, None, guide, api_visibility="private", show_progress="hidden")
