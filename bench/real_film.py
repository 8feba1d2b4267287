"""Measure a model on real film: labelled frames, damage put on the readable ones, and pictures that are no negative.

    python bench/real_film.py FOLDER [--weights WEIGHTS]

FOLDER holds `labels.csv` (`file_name,normal,defects,note`, the note beginning with the photographer), the pictures it
names, and perhaps a folder `not_colour_negatives`. The damage is that of tests/composite.py, which shares nothing with
the training simulator; it is drawn twice, on each frame as it is and turned by 180°, since few frames tell little. It
is put anywhere, so much of the faintest hides: beside each figure stands the share that a person would point at, by
the rule that labels simulated frames (`sight.plain`).
"""

import argparse
import csv
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "space"), str(ROOT / "tests"), str(ROOT / "train")]
import composite  # noqa: E402
from darkroom.calibration import VERDICTS  # noqa: E402
from darkroom.cells import cells  # noqa: E402
from darkroom.scan import open_scan  # noqa: E402
from darkroom.verdict import Judge, Prepared, Verdict, load  # noqa: E402
from heat import hits  # noqa: E402
from sight import plain  # noqa: E402
from simulate import LONG_SIDE, STRIKING  # noqa: E402

LOCAL = ("holes", "blank_area", "residual_spots", "colour_patches")  # damage that a heat map can point at
COVERED = 0.3  # coverage from which a composite counts as damaged there
DRAWS = {False: "the frames as they are", True: "turned by 180°, other damage"}
Job = tuple[Path, str, int, bool]


class Composite(NamedTuple):
    """Where the damage is, (h, w) bool on the grid of the heat map, and whether a person would point at it."""

    where: np.ndarray
    plain: bool


def _prepare(job: Job, judge: Judge) -> tuple[Prepared, Composite | None]:
    """The frame, turned or not, with `kind` of damage at `severity` (0 for none), ready for the network."""
    path, kind, severity, turned = job
    scan = open_scan(path)
    if kind == "file":
        return judge.prepare(scan), None
    maker = getattr(composite, kind)
    seed = zlib.crc32(f"{path.stem} {kind} {severity}{' turned' if turned else ''}".encode())
    rgb = composite.reduced(scan.rgb)
    rgb = np.ascontiguousarray(rgb[::-1, ::-1]) if turned else rgb
    file, where = composite.composite(rgb, maker, severity, seed, scan.bits)
    sound, _ = composite.composite(rgb, composite.clean, 0, seed, scan.bits)
    made = Composite(cells(where[None], "max")[0] > COVERED, kind in STRIKING or _pointed_at(sound, file, where))
    return judge.prepare(open_scan(file, path.name)), made


def _pointed_at(sound: bytes, damaged: bytes, where: np.ndarray) -> bool:
    """`sight.plain` of damage that covers `where` (H, W), on a frame as long as simulated ones, which that is for."""
    scale = LONG_SIDE / max(where.shape)
    size = [round(n * scale) for n in where.shape[::-1]]
    small = Image.fromarray(where.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return bool(plain(sound, damaged, np.asarray(small)[..., None])[0])


def judged(jobs: list[Job], judge: Judge, what: str) -> tuple[list[Verdict], list[Composite | None]]:
    """Verdicts, and what was made of the frame, in the order of `jobs`."""
    if not jobs:
        return [], []
    with ProcessPoolExecutor() as pool:
        made = list(tqdm(pool.map(partial(_prepare, judge=judge), jobs), total=len(jobs), desc=what, unit="frame"))
    prepared, composites = zip(*made, strict=True)
    verdicts = [v for k in range(0, len(prepared), 16) for v in judge.judge_prepared(prepared[k : k + 16])]
    return verdicts, list(composites)


def confusion(rows: list[dict], verdicts: list[Verdict]) -> None:
    """Print the verdicts of the labelled frames, and how labels and verdicts meet."""
    for row, verdict in zip(rows, verdicts, strict=True):
        likeliest = max(verdict.defects, key=verdict.defects.get)
        truth = "normal" if row["normal"] == "1" else row["defects"]
        print(f"{row['file_name']:42} {truth:14} {verdict.verdict:9} {verdict.p_normal:.3f}  {likeliest}")
    print(f"\n{'':10}" + "".join(f"{word:>10}" for word in VERDICTS))
    for label, name in (("1", "normal"), ("0", "abnormal")):
        words = [v.verdict for r, v in zip(rows, verdicts, strict=True) if r["normal"] == label]
        print(f"{name:10}" + "".join(f"{words.count(word):>10}" for word in VERDICTS))
    for who in sorted({row.get("note", "").split(" (")[0] for row in rows}):
        own = [
            (row["normal"], verdict.p_normal >= 0.5)
            for row, verdict in zip(rows, verdicts, strict=True)
            if row.get("note", "").startswith(who)
        ]
        right = [
            np.mean([called == (label == "1") for truth, called in own if truth == label])
            for label in "10"
            if any(truth == label for truth, _ in own)
        ]
        if len(right) == 2:
            print(f"balanced accuracy at 0.5, {who}: {np.mean(right):.3f} ({len(own)} frames)")


def other_kinds(rows: list[dict], verdicts: list[Verdict], others: list[Path], found: list[Verdict]) -> None:
    """Print how often other pictures, and how often labelled negatives, are said to be no colour negative."""
    print()
    for path, verdict in zip(others, found, strict=True):
        print(f"{path.name:42} {verdict.evidence.not_negative or 'taken for a colour negative'}")
    caught = sum(bool(verdict.evidence.not_negative) for verdict in found)
    print(f"not colour negatives, so called: {caught} of {len(found)}")
    wrongly = [row["file_name"] for row, v in zip(rows, verdicts, strict=True) if v.evidence.not_negative]
    print(f"labelled colour negatives, wrongly so called: {len(wrongly)} of {len(rows)}", *wrongly)


def heat(jobs: list[Job], verdicts: list[Verdict], made: list[Composite]) -> None:
    """Print how often the hottest tenth of the heat map meets the damage, and how often a random tenth would."""
    print("\nthe heat map's hottest tenth meets the damage:")
    for kind in LOCAL:
        of_kind = [(v.heat, one.where) for job, v, one in zip(jobs, verdicts, made, strict=True) if job[1] == kind]
        heat, damaged = (np.stack(column) for column in zip(*of_kind, strict=True))
        guess = np.random.default_rng(0).random(heat.shape)
        print(f"{kind:16}{hits(heat, damaged).mean():9.0%}   (a random tenth: {hits(guess, damaged).mean():.0%})")


def by_defect(title: str, jobs: list[Job], verdicts: list[Verdict], made: list[Composite]) -> None:
    """Print AUROC of p_normal, damaged composites against their own clean frames, how many of them a person would point
    at, and how often the defect is named; with 95 % intervals."""
    p = dict(zip(jobs, verdicts, strict=True))
    pointed_at = {job: one.plain for job, one in zip(jobs, made, strict=True)}
    clean = [job for job in p if job[1] == "clean"]
    damaged = [job for job in p if job[1] != "clean"]

    def auroc(chosen: list[Job]) -> float:
        against = [*clean, *chosen]
        return roc_auc_score([job[1] == "clean" for job in against], [p[job].p_normal for job in against])

    def named(chosen: list[Job]) -> float:
        return float(np.mean([max(p[job].defects, key=p[job].defects.get) == job[1] for job in chosen]))

    columns = "".join(f"{f'severity {s}, plain':>20}" for s in composite.SEVERITIES)
    print(f"\n{title}\n{'defect':18}{columns}{'named':>9}   severity 2, 95 %")
    for maker in composite.MAKERS:
        graded = [[job for job in damaged if job[1:3] == (maker.__name__, s)] for s in composite.SEVERITIES]
        figures = "".join(f"{auroc(group):13.3f}{np.mean([pointed_at[job] for job in group]):7.0%}" for group in graded)
        sure = "–".join(f"{end:.3f}" for end in _interval([*clean, *graded[1]], p))
        print(f"{maker.__name__:18}{figures}{named([job for group in graded for job in group]):9.0%}   {sure}")
    seen = [job for job in damaged if pointed_at[job]]
    for name, chosen in (("all", damaged), (f"all that is plain, {len(seen)} of {len(damaged)}", seen)):
        sure = "–".join(f"{end:.3f}" for end in _interval([*clean, *chosen], p))
        print(f"{name:34}{auroc(chosen):9.3f} ({sure}), named {named(chosen):.0%}")
    for name, group in (("sound", clean), ("damaged", damaged)):
        shares = [f"{word} {np.mean([p[job].verdict == word for job in group]):.0%}" for word in VERDICTS]
        print(f"{name} composites called: {', '.join(shares)}")


def _interval(chosen: list[Job], p: dict[Job, Verdict]) -> np.ndarray:
    """Where 95 % of bootstrapped AUROCs lie: frames are drawn, since they and not composites are independent."""
    own: dict[Path, list[tuple[bool, float]]] = {}
    for job in chosen:
        own.setdefault(job[0], []).append((job[1] == "clean", p[job].p_normal))
    frames, rng = [own[path] for path in sorted(own)], np.random.default_rng(0)
    drawn = [[one for i in rng.integers(len(frames), size=len(frames)) for one in frames[i]] for _ in range(200)]
    return np.percentile([roc_auc_score(*zip(*picked, strict=True)) for picked in drawn], (2.5, 97.5))


def asked(what: str) -> tuple[Path, list[dict], Judge]:
    """The folder that the command names, the rows of its `labels.csv`, and the model to measure. what: its purpose."""
    parser = argparse.ArgumentParser(description=what.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", help="folder or Hub id; the bundled ones if not given")
    args = parser.parse_args()
    labels = args.folder / "labels.csv"
    if not labels.is_file():
        print(f"{labels}: no such file; name a folder with labelled negatives", file=sys.stderr)
        sys.exit(2)
    return args.folder, list(csv.DictReader(labels.open())), load(args.weights)


def main() -> None:
    folder, rows, judge = asked(__doc__)
    frames, _ = judged([(folder / row["file_name"], "file", 0, False) for row in rows], judge, "Frames")
    confusion(rows, frames)
    readable = [folder / row["file_name"] for row in rows if row["normal"] == "1"]
    damage = [("clean", 0), *((maker.__name__, s) for maker in composite.MAKERS for s in composite.SEVERITIES)]
    jobs = [(path, *one, turned) for turned in DRAWS for path in readable for one in damage]
    verdicts, made = judged(jobs, judge, "Composites")
    for turned, title in DRAWS.items():
        drawn = [job[-1] == turned for job in jobs]
        by_defect(title, *(list(compress(part, drawn)) for part in (jobs, verdicts, made)))
    heat(jobs, verdicts, made)
    others = sorted((folder / "not_colour_negatives").glob("*"))
    found, _ = judged([(path, "file", 0, False) for path in others], judge, "Other pictures")
    other_kinds(rows, frames, others, found)


if __name__ == "__main__":
    main()
