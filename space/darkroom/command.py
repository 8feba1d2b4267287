"""The command `darkroom`.

    darkroom judge frame.jpg roll/*.tif                # a line a frame; with --json an object a line
    darkroom invert frame.tif -o positive.jpg          # at full size; .jpg, or .tif with 16 bits a channel
    darkroom score scans -o verdicts.csv               # a row for every picture below a folder; can be run again

The exit code is 0; 1 where some of the files could not be judged; 2, with one sentence, where nothing could be done.
"""

import argparse
import glob
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .files.decode import ScanError
from .files.folder import SUFFIXES
from .files.light import LIGHTS
from .files.table import OutputError
from .film.export import POSITIVES, write_positive
from .film.inversion import METHODS
from .film.scan import open_scan
from .hub.pull import WeightsError
from .judge.calibration import PRIOR

if TYPE_CHECKING:
    from .scoring.items import Item
    from .scoring.processes import Alone

Say = Callable[[str], None]
INTERRUPTED = 130  # the exit code of what Ctrl-C ended


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
        if _after_interrupt(error):  # which broke off what was being written
            return interrupted(args, say)
        say(str(error))
        return 2
    except BrokenPipeError:  # who read the lines, `head` for one, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its end
        return 1
    except KeyboardInterrupt:
        return interrupted(args, say)


def interrupted(args: argparse.Namespace, say: Say) -> int:
    """Say what Ctrl-C left, and return the exit code."""
    kept = "what was judged is kept, the same command goes on" if args.command == "score" else "nothing was written"
    say(f"interrupted; {kept}")
    return INTERRUPTED


def _after_interrupt(error: BaseException | None) -> bool:
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def run() -> NoReturn:
    """The command as a program."""
    code = main()
    if code:  # at once: Python would wait for the threads that still read large files
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit()


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
    from .score_command import arguments

    arguments(many)
    return whole


def judge(args: argparse.Namespace, say: Say) -> int:
    """Print a line a frame."""
    from .judge.verdict import load
    from .scoring.items import marked
    from .scoring.judging import Judging
    from .scoring.processes import Alone

    items = items_named(args.paths, say)
    loaded = load(args.weights)
    if loaded.notice:
        say(loaded.notice)
    judged = failed = 0
    judging = Judging(loaded, args.prior, args.light, readers=Alone().readers)
    for row in (kept["row"] for batch in judging.each(map(marked, items)) for _, frames in batch for kept in frames):
        judged += not row["error"]
        if row["error"]:
            failed += 1
            say(" ".join(row["error"].splitlines()))
        if args.json:
            print(json.dumps(row, ensure_ascii=False), flush=True)
        elif not row["error"]:
            chance = "" if row["p_normal"] is None else f" (readable: {100 * row['p_normal']:.0f} %)"
            print(f"{row['file']}: {row['verdict']}{chance}. {row['reason']}", flush=True)
    return int(failed > 0) if judged else 2


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
    from .score_command import Unfit, score

    check_paths(args.paths)
    try:
        return score(args, processes)
    except Unfit as error:
        raise CommandError(str(error)) from None


def items_named(paths: list[str], say: Say) -> "list[Item]":
    """What is to be judged there, each file once. Raises CommandError where there is nothing."""
    from .scoring.items import items_at

    check_paths(paths)
    items = {os.path.abspath(item.key): item for item in reversed([*items_at(paths, say)])}
    if not items:
        raise CommandError(f"{' '.join(paths)}: no pictures there ({', '.join(SUFFIXES)})")
    return [*reversed(items.values())]


def check_paths(paths: list[str]) -> None:
    """Raise CommandError where nothing is there, rather than put that in place of the verdicts of before."""
    if not any(os.path.lexists(path) or glob.has_magic(path) or "://" in path for path in paths):
        raise CommandError(f"{' '.join(paths)}: no such file or folder; check the path")
