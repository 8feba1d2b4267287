"""A verdict for every scan of an archive.

    python train/score.py scans/ frame.tif --output verdicts.csv
    python train/score.py scans/ --output verdicts.csv --contact-sheet sheet.pdf
    accelerate launch train/score.py scans/ --output verdicts.parquet --weights user/name@v1      # several GPUs

Folders are walked. Every picture found gets one row, in the same order however many processes share the work; one that
cannot be judged has its `error` filled, and the run goes on. The exit code is 2 when nothing could be judged.
"""

import argparse
import os
import sys
from collections import Counter
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import gather_object
from tqdm import tqdm
from verdicts import OutputError, VerdictsFile, check

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "space"))
from darkroom.archive import Found, each_frame  # noqa: E402
from darkroom.contact import SUFFIXES as SHEETS  # noqa: E402
from darkroom.contact import ContactSheet  # noqa: E402
from darkroom.decode import ScanError  # noqa: E402
from darkroom.folder import SUFFIXES, walk  # noqa: E402
from darkroom.light import LIGHTS  # noqa: E402
from darkroom.pairs import paired  # noqa: E402
from darkroom.preview import reduce, thumbnail  # noqa: E402
from darkroom.roll import ahead  # noqa: E402
from darkroom.scan import open_scan  # noqa: E402
from darkroom.verdict import COLUMNS, PRIOR, Judge, Prepared, load  # noqa: E402
from darkroom.weights import WeightsError  # noqa: E402

BATCH = 16  # scans in one forward pass
READERS = min(4, os.cpu_count() or 1)  # threads that decode; what takes much memory to open waits for its turn


def find(paths: list[str]) -> tuple[list[Found], list[str]]:
    """Every file named, and every picture below every folder named, once each: folders' contents in sorted order, each
    page of a TIFF by itself, an infrared file with its picture. And what is to be said of pictures that were skipped,
    a sentence a folder."""
    found: dict[str, Path] = {}
    notes = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.setdefault(os.path.abspath(path), path)
            continue
        below = walk(path)
        notes += [f"{path}: {below.note}"] if below.note else []
        for one in below.pictures:
            found.setdefault(os.path.abspath(one), one)
    # A name that is no UTF-8 has its odd bytes escaped.
    files = [Found(str(path).encode("utf-8", "backslashreplace").decode(), path) for path in found.values()]
    return [frame for file in paired(files) for frame in each_frame(file)], notes


def prepare(
    judge: Judge, frame: Found, light: str = "auto", pictures: bool = False
) -> tuple[str, Prepared | None, str, bytes]:
    """(name, what the judge needs or None, what is wrong, a small JPEG of the positive if `pictures` are asked for)."""
    name = frame.name
    try:
        scan = open_scan(frame.path, name, number=frame.number, light=light, infrared=frame.infrared)
        return name, judge.prepare(scan), "", thumbnail(reduce(scan, side=600)) if pictures else b""
    except ScanError as error:
        return name, None, str(error), b""
    except Exception as error:  # one odd file must not cost the verdicts on a whole archive
        what = f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace").decode()
        return name, None, f"{name}: cannot be judged ({what}); please report this file", b""


def rows_of(
    judge: Judge, batch: list[tuple[str, Prepared | None, str, bytes]], prior: float
) -> list[tuple[dict, bytes]]:
    """The rows of one batch, in its order, each with its small picture."""
    verdicts = iter(judge.judge_prepared([prepared for _, prepared, *_ in batch if prepared], prior))
    return [
        (next(verdicts).row() if prepared else {**dict.fromkeys(COLUMNS), "file": name, "error": error}, picture)
        for name, prepared, error, picture in batch
    ]


def score(
    accelerator: Accelerator,
    judge: Judge,
    paths: list[Found],
    output: Path,
    prior: float,
    light: str = "auto",
    sheet: ContactSheet | None = None,
) -> Counter:
    """Judge `paths` and write `output`, and a contact sheet if one is wanted. Returns how many files got which verdict;
    "" counts those without one."""
    judge.model.to(accelerator.device)
    main, processes = accelerator.is_main_process, accelerator.num_processes
    # Process r takes files r, r + n, r + 2n…; a round is one batch of each, gathered and put back in order.
    work = partial(prepare, judge, light=light, pictures=sheet is not None)
    mine = ahead(work, paths[accelerator.process_index :: processes], READERS, BATCH)
    counts = Counter()
    bar = tqdm(total=len(paths), unit="scan", disable=not main, dynamic_ncols=True)
    printing = sheet if sheet and main else nullcontext()  # written last: it must not cost the verdicts
    with printing, VerdictsFile(output) if main else nullcontext() as file, bar:
        for start in range(0, len(paths), BATCH * processes):
            batch = rows_of(judge, list(islice(mine, BATCH)), prior)
            places = range(start + accelerator.process_index, len(paths), processes)[: len(batch)]
            gathered = gather_object(list(zip(places, batch, strict=True)))
            done = [each for _, each in sorted(gathered, key=lambda placed: placed[0])]
            rows = [row for row, _ in done]
            if main:
                if sheet:
                    for row, picture in done:
                        sheet.add(row, picture)
                file.write(rows)
                for row in rows:
                    if row["error"]:
                        bar.write(row["error"], file=sys.stderr)
            counts.update(row["verdict"] or "" for row in rows)
            bar.update(len(rows))
    return counts


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture, or a folder to walk")
    parser.add_argument("--output", type=Path, required=True, help="the file to write: .csv, .jsonl or .parquet")
    parser.add_argument(
        "--contact-sheet",
        type=Path,
        metavar="FILE",
        help="a contact sheet too, A4 at 300 dpi: .pdf, or .jpg (a file a page)",
    )
    parser.add_argument("--weights", help="a model's folder, or user/name[@revision] on the Hub; default: the bundled")
    parser.add_argument(
        "--prior", type=float, default=PRIOR, help="share of such scans expected to be readable (default: %(default)s)"
    )
    parser.add_argument(
        "--light",
        choices=LIGHTS,
        default="auto",
        help="what the files hold; auto: as each says, 16 bits without a profile are linear if dark (default)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    accelerator = Accelerator()

    def say(line: str) -> None:
        if accelerator.is_main_process:
            print(line, file=sys.stderr)

    try:
        check(args.output)
        if args.contact_sheet:
            check(args.contact_sheet, "contact sheets", SHEETS)
        if not 0 < args.prior < 1:
            raise OutputError(f"--prior {args.prior}: a probability, more than 0 and less than 1")
        if not any(map(os.path.lexists, args.paths)):  # rather than put that in place of the verdicts of before
            raise OutputError(f"{' '.join(args.paths)}: no such file or folder; check the path")
        paths, notes = find(args.paths)
        for note in notes:
            say(note)
        if not paths:
            raise OutputError(f"{' '.join(args.paths)}: no pictures there ({', '.join(SUFFIXES)})")
        with accelerator.main_process_first():  # who comes first fills the Hub's cache for all
            judge = load(args.weights)
        if judge.notice:
            say(judge.notice)
        folder = len(args.paths) == 1 and os.path.isdir(args.paths[0])
        title = Path(args.paths[0]).resolve().name if folder else "Contact sheet"
        sheet = ContactSheet(args.contact_sheet, title) if args.contact_sheet else None
        counts = score(accelerator, judge, paths, args.output, args.prior, args.light, sheet)
        accelerator.wait_for_everyone()
    except (OutputError, WeightsError) as error:
        say(str(error))
        return 2
    except OSError as error:
        written = args.contact_sheet if error.filename == str(args.contact_sheet) else args.output
        say(f"{written}: cannot be written ({error.strerror or error})")
        return 2
    except KeyboardInterrupt:
        say("interrupted; no verdicts were written")
        return 130
    finally:
        accelerator.end_training()  # processes that leave their group open are killed at exit now and then
    if sheet and accelerator.is_main_process:
        say("\n".join(f"{file}: the contact sheet" for file in sheet.files))
    judged = sum(counts.values()) - counts[""]
    say(
        f"{args.output}: {judged} judged ({counts['readable']} readable, {counts['damaged']} damaged, "
        f"{counts['check']} to check), {counts['']} could not be"
    )
    return 0 if judged else 2


if __name__ == "__main__":
    sys.exit(main())
