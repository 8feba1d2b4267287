"""What the page's handlers share: a file becomes a verdict and a preview, or one sentence that says why not."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import gradio as gr
import numpy as np

from darkroom.files.archive import FrameSource, frames_in_uploads
from darkroom.files.folder import shortened
from darkroom.files.light import UNPROFILED
from darkroom.film.base import Base
from darkroom.film.export import save_scan
from darkroom.film.film import Film
from darkroom.film.preview import dress, negative_view, positive_view, reduce, spot
from darkroom.film.scan import Scan, open_scan
from darkroom.film.surface import surface_map
from darkroom.frames.cut import CutScan, cut_out
from darkroom.judge.record import Verdict
from darkroom.judge.roll import explain
from darkroom.judge.verdict import Judge

PRIVATE = {"api_visibility": "private"}


@dataclass(frozen=True, eq=False)
class Seen:
    """One judged frame as the page holds it for a visitor.

    path: the upload, for the full-size download. negative: the reduced negative, (h, w, 3) uint16. positives: those
    made of it so far, by method. turns: quarters to the left by which it is shown. number: of the frame in its file.
    light: what was said of the file's light, as for `open_scan`. note: what is to be said of the file. infrared: its
    own file. surface: where infrared shows dust, scratches and holes, as `surface_map`; None without infrared.
    spotted: whether that is shown. polygon: where the frame lies on the picture that it was cut out of, as
    `CutScan.polygon`; None where it is the picture. which, base: as `CutScan` has them.
    """

    path: Path
    verdict: Verdict
    negative: np.ndarray
    positives: dict[str, np.ndarray] = field(default_factory=dict)
    turns: int = 0
    number: int = 0
    light: str = "auto"
    note: str = ""
    infrared: Path | None = None
    surface: np.ndarray | None = field(default=None, repr=False)
    spotted: bool = False
    polygon: np.ndarray | None = field(default=None, repr=False)
    which: int = 0
    base: Base | None = None

    def turned(self, quarters: int) -> "Seen":
        """The same frame, turned further to the left."""
        return replace(self, turns=(self.turns + quarters) % 4)

    def at_prior(self, prior: float) -> "Seen":
        """The same frame judged at another prior."""
        return replace(self, verdict=self.verdict.at_prior(prior))

    def with_spots(self, shown: bool) -> "Seen":
        """The same frame with what infrared shows marked, or not."""
        return replace(self, spotted=shown)

    def views(self, method: str, damage: bool) -> tuple[np.ndarray, np.ndarray]:
        """Negative and positive to show, (h, w, 3) uint8, with the damage marked or not.

        On both, since the line between them hides a part of each. What is no colour negative is never marked.
        """
        if method not in self.positives:
            self.positives[method] = positive_view(self.negative, method, self.base)
        heat = self.verdict.heat if damage and not self.verdict.evidence.not_negative else None
        negative, positive = negative_view(self.negative), self.positives[method]
        if self.spotted and self.surface is not None:
            negative, positive = spot(negative, self.surface), spot(positive, self.surface)
        return dress(negative, heat, self.turns), dress(positive, heat, self.turns)


def new_folder(component: gr.components.Component) -> Path:
    """A folder of its own where Gradio finds, serves and later deletes what a component gives away."""
    folder = Path(component.GRADIO_CACHE) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder


class Files(set):
    """Files that Gradio deletes when they are old enough. Its sweeper walks through such a set in a thread of its own,
    and would end for good where a file is added meanwhile, so it gets a copy to walk through."""

    def __iter__(self):
        return iter(tuple(super().__iter__()))


def make_sweepable(page: gr.Blocks) -> None:
    """Let visitors come and go while old files are deleted: see `Files`. Call when the page is laid out."""
    components = [block for block in page.blocks.values() if isinstance(block, gr.components.Component)]
    page.upload_file_set = Files(page.upload_file_set)
    for component in components:
        component.temp_files = Files(component.temp_files)
    page.temp_file_sets = [page.upload_file_set, *(component.temp_files for component in components)]


def frames_of(upload: gr.File, paths: list[str]) -> list[FrameSource]:
    """The frames of an upload, ZIPs unpacked; they are deleted with the upload."""
    folder = new_folder(upload)
    try:
        return frames_in_uploads([Path(path) for path in paths], folder)
    finally:  # whatever went wrong
        upload.temp_files.update(str(path) for path in folder.rglob("*") if path.is_file())


def share(percent: float) -> float:
    """A prior as probability from "out of 100", kept off the certain ends where no evidence would count."""
    return min(max(float(percent), 1.0), 99.0) / 100


def look_at(
    judge: Judge,
    path: Path,
    name: str,
    prior: float,
    method: str = "cvt2pos",
    number: int = 0,
    light: str = "auto",
    infrared: Path | None = None,
    polygon: np.ndarray | None = None,
    which: int = 0,
    base: Base | None = None,
) -> Seen:
    """Open a file, judge it, and make its preview. polygon: judge what it holds, as frame `which` of the picture,
    on film of this base. Raises ScanError."""
    scan = open_scan(path, name=name, number=number, light=light, infrared=infrared)
    if polygon is not None:
        (scan,) = cut_out(scan, [polygon], which, [base])
    return see(judge, scan, prior, method)


def see(judge: Judge, scan: Scan, prior: float, method: str, verdict: Verdict | None = None) -> Seen:
    """Judge an open scan from a file, unless its verdict is known, and meanwhile make its preview on another core."""
    with ThreadPoolExecutor(1) as pool:
        preview = pool.submit(_preview, scan, method)
        verdict = verdict or judge.judge(scan, prior)
        negative, positive = preview.result()
    cut = isinstance(scan, CutScan)
    return Seen(
        Path(str(scan.source)),
        verdict,
        negative,
        {method: positive},
        number=scan.number,
        light=scan.light,
        note=note_on(scan.whole if cut else scan),
        infrared=scan.whole.infrared_file if cut else scan.infrared_file,
        surface=surface_map(Film(scan)) if verdict.surface else None,
        polygon=scan.polygon if cut else None,
        which=scan.which if cut else 0,
        base=scan.base,
    )


def note_on(scan: Scan, whole: str = "Under “A roll”") -> str:
    """What is to be said of the file that a scan came from, or an empty text. whole: where all frames are judged."""
    said = []
    if scan.frames > 1:
        which = "the first" if scan.number == 0 else f"number {scan.number + 1}"
        said.append(f"The file holds {scan.frames} frames; this is {which}. {whole} all of them are judged.")
    if scan.linear:
        why = "it was said so" if scan.light == "linear" else "16 bits, dark, no colour profile"
        said.append(f"Read as linear light ({why}).")
    elif scan.bits > 8 and scan.format in UNPROFILED and not scan.icc:
        why = "it was said so" if scan.light == "coded" else "16 bits without a profile, not dark"
        said.append(f"Read as coded light ({why}).")
    if scan.infrared_note:
        said.append(scan.infrared_note)
    return " ".join(said)


def save(seen: Seen, folder: Path, suffix: str, method: str) -> Path:
    """Write the positive of a frame at full size into `folder`, as `export.save_positive` does."""
    scan = open_scan(seen.path, seen.path.name, number=seen.number, light=seen.light)
    if seen.polygon is not None:
        (scan,) = cut_out(scan, [seen.polygon], seen.which, [seen.base])
    stem = f"{shortened(seen.path.stem, 200)}-frame-{seen.which}" if seen.which else seen.path.stem
    return save_scan(scan, stem, folder, suffix, method, seen.turns)


def warm(judge: Judge, example: Path) -> None:
    """Judge once, so that the first visitor does not wait for libraries to load and the network to settle in memory."""
    look_at(judge, example, example.name, 0.5)


def _preview(scan: Scan, method: str) -> tuple[np.ndarray, np.ndarray]:
    negative = reduce(scan)
    return negative, positive_view(negative, method, scan.base)


def refuse(error: Exception, name: str) -> gr.Error:
    """What is wrong with the file, in one sentence, as an alert that stays until it is closed."""
    return gr.Error(explain(error, name), duration=None, title="Not judged", print_exception=False)
