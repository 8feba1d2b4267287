"""The command `darkroom`.

    darkroom judge frame.jpg roll/*.tif                # a line a frame; with --json an object a line
    darkroom invert frame.tif -o positive.jpg          # at full size; .jpg, or .tif with 16 bits a channel
    darkroom score scans -o verdicts.csv               # a row for every picture below a folder

The exit code is 0; 1 where `judge` could not judge some of the files; 2, with one sentence, where nothing could be
done.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .files.decode import ScanError
from .files.folder import SUFFIXES
from .files.light import LIGHTS
from .files.table import OutputError, check
from .film.export import POSITIVES, write_positive
from .film.inversion import METHODS
from .film.scan import open_scan
from .hub.pull import WeightsError
from .judge.calibration import PRIOR

if TYPE_CHECKING:
    from .files.archive import FrameSource
    from .judge.scoring import Alone

Say = Callable[[str], None]


class CommandError(ValueError):
    """The command cannot do what it was asked; the message says why."""


def main(argv: list[str] | None = None, processes: "Alone | None" = None) -> int:
    """Run the command and return its exit code. processes: who shares the work of `score`, if not this one alone."""
    args = parser().parse_args(argv)
    quiet = processes is not None and processes.index > 0
    say: Say = (lambda line: None) if quiet else partial(print, file=sys.stderr)
    try:
        if args.command == "invert":
            return invert(args, say)
        if not 0 < args.prior < 1:
            raise CommandError(f"--prior {args.prior}: a probability, more than 0 and less than 1")
        return judge(args, say) if args.command == "judge" else score(args, say, processes)
    except (CommandError, OutputError, ScanError, WeightsError) as error:
        say(str(error))
        return 2
    except BrokenPipeError:  # who read the lines, `head` for one, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its end
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return 130


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    whole = argparse.ArgumentParser("darkroom", description="Is this colour negative readable or damaged?")
    commands = whole.add_subparsers(dest="command", required=True, metavar="judge | invert | score")
    light = argparse.ArgumentParser(add_help=False)
    light.add_argument(
        "--light",
        choices=LIGHTS,
        default="auto",
        help="what the files hold; auto: as each says, 16 bits without a profile are linear if dark (default)",
    )
    model = argparse.ArgumentParser(add_help=False, parents=[light])
    model.add_argument("--weights", help="a model's folder, or user/name[@revision] on the Hub; default: the bundled")
    model.add_argument(
        "--prior", type=float, default=PRIOR, help="share of such scans expected to be readable (default: %(default)s)"
    )
    one = commands.add_parser("judge", parents=[model], help="say of each frame whether it is readable, and why")
    one.add_argument("paths", nargs="+", metavar="FILE", help="a picture, or a folder to walk")
    one.add_argument("--json", action="store_true", help="print an object a line, with all that a verdict holds")
    positive = commands.add_parser("invert", parents=[light], help="write the positive at full size")
    positive.add_argument("file", type=Path, metavar="FILE", help="a picture; of a TIFF of several the first frame")
    positive.add_argument("-o", "--output", type=Path, required=True, help=f"the file to write: {', '.join(POSITIVES)}")
    positive.add_argument(
        "--method", choices=METHODS, default=METHODS[0], help="the reference (default), or a print to look at"
    )
    many = commands.add_parser("score", parents=[model], help="write a table of verdicts on an archive")
    many.add_argument("paths", nargs="+", metavar="FOLDER", help="a folder to walk, or a picture")
    many.add_argument("-o", "--output", type=Path, required=True, help="the file to write: .csv, .jsonl or .parquet")
    many.add_argument(
        "--contact-sheet",
        type=Path,
        metavar="FILE",
        help="a contact sheet too, A4 at 300 dpi: .pdf, or .jpg (a file a page)",
    )
    return whole


def judge(args: argparse.Namespace, say: Say) -> int:
    """Print a line a frame."""
    from .judge.prefetch import ahead
    from .judge.scoring import BATCH, READERS, prepare, rows_of
    from .judge.verdict import load

    frames = frames_at(args.paths, say)
    loaded = load(args.weights)
    if loaded.notice:
        say(loaded.notice)
    failed = 0
    for ready in ahead(partial(prepare, loaded, light=args.light), frames, READERS, BATCH):
        (row,) = rows_of(loaded, [ready], args.prior)
        if row["error"]:
            failed += 1
            say(row["error"])
        if args.json:
            print(json.dumps(row, ensure_ascii=False), flush=True)
        elif not row["error"]:
            chance = "" if row["p_normal"] is None else f" (readable: {100 * row['p_normal']:.0f} %)"
            print(f"{row['file']}: {row['verdict']}{chance}. {row['reason']}", flush=True)
    return 2 if failed == len(frames) else int(failed > 0)


def invert(args: argparse.Namespace, say: Say) -> int:
    """Write one positive."""
    output: Path = args.output
    if output.suffix.lower() not in POSITIVES:
        raise CommandError(f"{output}: a positive is written as {', '.join(POSITIVES)}; name the file so")
    scan = open_scan(args.file, light=args.light)
    if output.exists() and output.samefile(args.file):
        raise CommandError(f"{output}: this is the negative itself; name another file")
    try:
        write_positive(scan, output, args.method)
    except OSError as error:
        raise CommandError(f"{output}: cannot be written ({error.strerror or error}); name another file") from None
    if scan.frames > 1:
        say(f"{args.file}: holds {scan.frames} frames; {output} is the first")
    return 0


def score(args: argparse.Namespace, say: Say, processes: "Alone | None") -> int:
    """Write a table of verdicts."""
    from .judge.contact import SUFFIXES as SHEETS
    from .judge.contact import ContactSheet
    from .judge.scoring import Alone
    from .judge.scoring import score as score_frames
    from .judge.verdict import load

    check(args.output)
    if args.contact_sheet:
        check(args.contact_sheet, "contact sheets", SHEETS)
    frames = frames_at(args.paths, say)
    processes = processes or Alone()
    with processes.first():
        loaded = load(args.weights)
    if loaded.notice:
        say(loaded.notice)
    folder = len(args.paths) == 1 and os.path.isdir(args.paths[0])
    title = Path(args.paths[0]).resolve().name if folder else "Contact sheet"
    sheet = ContactSheet(args.contact_sheet, title) if args.contact_sheet else None
    try:
        counts = score_frames(loaded, frames, args.output, args.prior, args.light, processes, sheet)
    except OSError as error:
        written = args.contact_sheet if error.filename == str(args.contact_sheet) else args.output
        raise CommandError(f"{written}: cannot be written ({error.strerror or error})") from None
    if sheet:
        say("\n".join(f"{file}: the contact sheet" for file in sheet.files))
    judged = sum(counts.values()) - counts[""]
    say(
        f"{args.output}: {judged} judged ({counts['readable']} readable, {counts['damaged']} damaged, "
        f"{counts['check']} to check), {counts['']} could not be"
    )
    return 0 if judged else 2


def frames_at(paths: list[str], say: Say) -> "list[FrameSource]":
    """The frames of the files and folders that were named. Raises CommandError where there are none."""
    from .judge.scoring import list_frames

    named = " ".join(paths)
    if not any(map(os.path.lexists, paths)):  # rather than put that in place of the verdicts of before
        raise CommandError(f"{named}: no such file or folder; check the path")
    frames, notes = list_frames(paths)
    for note in notes:
        say(note)
    if not frames:
        raise CommandError(f"{named}: no pictures there ({', '.join(SUFFIXES)})")
    return frames
