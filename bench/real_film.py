"""Measure a model on real film: labelled negatives, real scans turned back into negatives, damage put on both.

    PYTHONPATH=train python bench/real_film.py FILM [--weights WEIGHTS] [--half choose|report]

FILM holds `index.csv` with the columns file, use, half, readable, damage, photographer: pictures below negatives/
(colour negatives), scans/ (positives of colour negative film, which become negatives by the simulator's physics) and
others/ (no colour negatives). Of scans only those are measured that nothing learns from (`use` measure), and of those
the half that is asked for. Damage is that of bench/composite.py, which shares nothing with the training simulator.
A folder with `labels.csv` (file_name, normal, defects, note) instead of an index is measured whole. Beside the verdict
stands a baseline that any cleverness must beat: the largest of the network's pooled outputs, in units of its spread on
sound frames; and what each kind's own output tells, to which no one number can come. Intervals resample
photographers, not frames.
"""

import argparse
import csv
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import composite
from darkroom.film.scan import open_scan
from darkroom.frames.cut import only_frame
from darkroom.judge.calibration import logit
from darkroom.judge.verdict import Judge, Verdict, load
from darkroom.taxonomy import VERDICTS
from simulator.capture import photograph
from simulator.emulsion import expose, film_stock

SEVERITIES = (1, 2)
FRAMES = 3  # of a photographer, at most, that damage is put on
SCANS = 1  # the same of scans, of which there are more photographers
BINS = (0, 0.25, 0.5, 0.75, 1.01)  # of p_normal
SCAN_SIDE = 900  # pixels of a scan that becomes a negative
KINDS = [maker.__name__ for maker in composite.MAKERS]


@dataclass(frozen=True)
class Job:
    """A picture, and what is to be done with it before it is judged. kind: "file", "scan" or one of a composite, which
    is made on a negative, or of a scan on the negative that it was."""

    path: Path
    photographer: str
    label: str
    kind: str = "file"
    severity: int = 0
    of_scan: bool = False


def negative_of(path: Path) -> bytes:
    """A real scan as the negative that it was: exposed, developed and photographed as the simulator does."""
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((SCAN_SIDE, SCAN_SIDE), Image.Resampling.LANCZOS)
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    roll, stops, cast = film_stock(rng), float(rng.normal(0.3, 0.4)), rng.normal(0, 0.2, 3)
    return photograph(expose(np.asarray(picture, np.float32) / 255, roll, stops, cast, contrast=1.1), rng)


@cache
def judge_of(weights: str | None) -> Judge:
    """The judge, loaded once in each process."""
    return load(weights)


def judged(job: Job, weights: str | None) -> Verdict:
    """The verdict of a picture."""
    source, light = job.path, "auto"
    if job.kind == "scan":
        source = negative_of(job.path)
    elif job.kind != "file":
        scan = open_scan(negative_of(job.path) if job.of_scan else job.path)
        seed = zlib.crc32(f"{job.path.stem} {job.kind} {job.severity}".encode())
        maker = getattr(composite, job.kind)
        source, _ = composite.composite(composite.reduced(scan.rgb), maker, job.severity, seed, scan.bits)
        light = "coded"
    return judge_of(weights).judge(only_frame(open_scan(source, job.path.name, light=light)))


def rows_of(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def jobs(folder: Path, half: str) -> list[Job]:
    """Everything that is measured in a folder."""
    todo = []
    if (folder / "labels.csv").is_file():
        for row in rows_of(folder / "labels.csv"):
            todo.append(Job(folder / row["file_name"], row["note"].split(" (")[0], row["normal"]))
    else:
        for row in rows_of(folder / "index.csv"):
            where, path = row["file"].split("/")[0], folder / row["file"]
            if where == "negatives" and half == "choose" and row["readable"] in ("0", "1"):
                todo.append(Job(path, row["photographer"], row["readable"]))
            if where == "scans" and (row["use"], row["half"]) == ("measure", half) and row["readable"] in ("0", "1"):
                todo.append(Job(path, row["photographer"], row["readable"], "scan"))
    count: dict[tuple[str, str], int] = {}
    for job in [job for job in todo if job.label == "1"]:
        of_scan, source = job.kind == "scan", (job.kind, job.photographer)
        count[source] = count.get(source, 0) + 1
        if count[source] <= (SCANS if of_scan else FRAMES) or (folder / "labels.csv").is_file():
            made = [("clean", 0), *((kind, severity) for kind in KINDS for severity in SEVERITIES)]
            todo += [Job(job.path, job.photographer, str(int(kind == "clean")), kind, s, of_scan) for kind, s in made]
    others = folder / ("not_colour_negatives" if (folder / "labels.csv").is_file() else "others")
    return todo + [Job(path, "", "other") for path in sorted(others.glob("*")) if path.is_file()]


def interval(who: list[str], truth: np.ndarray, score: np.ndarray) -> str:
    """Where 95 % of AUROCs lie when photographers are drawn with replacement."""
    names, rng, drawn = sorted(set(who)), np.random.default_rng(0), []
    rows = {name: [i for i, each in enumerate(who) if each == name] for name in names}
    for _ in range(300):
        picked = [i for k in rng.integers(len(names), size=len(names)) for i in rows[names[k]]]
        if len(set(truth[picked])) == 2:
            drawn.append(roc_auc_score(truth[picked], score[picked]))
    return "{:.2f}–{:.2f}".format(*np.percentile(drawn, (2.5, 97.5))) if drawn else "–"


def words(title: str, found: list[Verdict]) -> None:
    """Print how often each word is said, and of how many it is said that they are no colour negative."""
    if found:
        shares = ", ".join(f"{word} {np.mean([v.verdict == word for v in found]):.0%}" for word in VERDICTS)
        other = sum(bool(v.evidence.not_negative) for v in found)
        print(f"{title} ({len(found)}): {shares}; no colour negative {other}")


def of_confidence(rows: list[tuple[Job, Verdict]]) -> None:
    """Print the share of readable frames at each stated probability. Both labels are weighted alike, because `p_normal`
    is stated for as many readable as damaged frames."""
    stated = np.array([verdict.p_normal for _, verdict in rows])
    readable = np.array([job.label == "1" for job, _ in rows])
    weights = np.where(readable, 1 / max(readable.sum(), 1), 1 / max((~readable).sum(), 1))
    print("\np_normal on real negatives and scans: stated (mean), found with both labels weighted alike")
    for low, high in pairwise(BINS):
        some = (stated >= low) & (stated < high)
        if some.any():
            mean, found = np.average(np.stack([stated, readable])[:, some], axis=1, weights=weights[some])
            count = f"{(readable & some).sum():4} readable, {(~readable & some).sum():2} damaged"
            print(f"{low:.2f}–{min(high, 1):.2f}: {count}: stated {mean:.2f}, found {found:.2f}")


def of_composites(title: str, rows: list[tuple[Job, Verdict]]) -> None:
    """Print, for each kind and severity, AUROC of the verdict and of the baseline against the clean frames."""
    clean = [row for row in rows if row[0].kind == "clean"]
    # A kind's temperature and bias do not change how many spreads a frame lies from the sound ones.
    usual = np.array([outputs(verdict) for _, verdict in clean])
    middle, spread = usual.mean(0), usual.std(0) + 1e-6
    print(f"\n{len(clean)} {title} with damage put on them; AUROC against their clean selves (95 % over photographers)")
    print(f"{'':16}{'severity':>9}{'p_normal':>10}{'':>13}{'largest output':>16}{'own output':>12}{'named first':>13}")
    means: dict[int, list[tuple[float, ...]]] = {}
    for kind in KINDS:
        for severity in SEVERITIES:
            chosen = [row for row in rows if (row[0].kind, row[0].severity) == (kind, severity)]
            both = clean + chosen
            truth = np.array([0] * len(clean) + [1] * len(chosen))
            score = np.array([-v.p_normal for _, v in both])
            base = np.array([((outputs(v) - middle) / spread).max() for _, v in both])
            own = np.array([v.defects[kind] for _, v in both])
            figures = tuple(roc_auc_score(truth, each) for each in (score, base, own))
            means.setdefault(severity, []).append(figures)
            named = np.mean([max(v.defects, key=v.defects.get) == kind for _, v in chosen])
            sure = interval([job.photographer for job, _ in both], truth, score)
            verdict, base, own = figures
            print(f"{kind:16}{severity:9}{verdict:10.3f}{f'({sure})':>13}{base:16.3f}{own:12.3f}{named:13.0%}")
    for severity, figures in means.items():
        verdict, base, own = np.mean(figures, 0)
        print(f"{'mean':16}{severity:9}{verdict:10.3f}{'':13}{base:16.3f}{own:12.3f}")


def outputs(verdict: Verdict) -> np.ndarray:
    """The network's pooled outputs for the kinds of damage, (K,) log-odds."""
    return logit(np.array([*verdict.defects.values()]))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", help="folder or Hub id; the bundled ones if not given")
    parser.add_argument("--half", choices=("choose", "report"), default="report")
    args = parser.parse_args()
    if not any((args.folder / name).is_file() for name in ("index.csv", "labels.csv")):
        print(f"{args.folder}: no index.csv and no labels.csv; name a folder with labelled film", file=sys.stderr)
        sys.exit(2)
    todo = jobs(args.folder, args.half)
    with ProcessPoolExecutor() as pool:
        done = pool.map(partial(judged, weights=args.weights), todo, chunksize=2)
        rows = list(zip(todo, tqdm(done, total=len(todo), unit="picture"), strict=True))
    for kind, title in (("file", "real negatives"), ("scan", "real scans as negatives")):
        for label, name in (("1", "readable"), ("0", "damaged")):
            words(f"{title}, {name}", [v for job, v in rows if (job.kind, job.label) == (kind, label)])
        own = [(job, v) for job, v in rows if job.kind == kind and job.label in ("0", "1")]
        truth = np.array([job.label == "0" for job, _ in own])
        if truth.any() and not truth.all():
            score = np.array([-v.p_normal for _, v in own])
            sure = interval([job.photographer for job, _ in own], truth, score)
            print(f"{title}: AUROC {roc_auc_score(truth, score):.3f} ({sure})")
    words("others", [v for job, v in rows if job.label == "other"])
    real = [row for row in rows if row[0].kind in ("file", "scan") and row[0].label in ("0", "1")]
    if len({job.label for job, _ in real}) == 2:
        of_confidence(real)
    for of_scan, title in ((False, "real negatives"), (True, "real scans as negatives")):
        made = [row for row in rows if row[0].kind not in ("file", "scan") and row[0].of_scan == of_scan]
        if made:
            of_composites(title, made)


if __name__ == "__main__":
    main()
