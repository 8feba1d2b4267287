"""`darkroom score`: what it understands, and what it says at its end."""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from .files.folder import SUFFIXES as PICTURES
from .files.table import SUFFIXES as TABLES
from .files.table import check
from .taxonomy import VERDICTS

if TYPE_CHECKING:
    from .scoring.journal import Share
    from .scoring.processes import Alone
    from .scoring.progress import Progress


class Unfit(ValueError):
    """What was asked for does not go together, or there is nothing to judge; the message says why."""


def arguments(many: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    many.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a folder, a picture, a pattern (scans/**/*.tif), a list (.csv, .parquet), a .zip",
    )
    what = f"the table to write: {', '.join(TABLES)}; a name without a suffix is a folder of Parquet files"
    many.add_argument("-o", "--output", type=Path, required=True, help=what)
    many.add_argument("--only", choices=VERDICTS, default="", help="write only frames with this verdict")
    many.add_argument("--light-table", action="store_true", help="an index.html too, with small pictures, worst first")
    many.add_argument(
        "--contact-sheet",
        type=Path,
        metavar="FILE",
        help="a contact sheet too, A4 at 300 dpi: .pdf, or .jpg (a file a page)",
    )
    many.add_argument("--sidecars", action="store_true", help="XMP sidecars beside the pictures, added to those there")
    many.add_argument("--print0", action="store_true", help="print the paths of the frames written, for xargs -0")
    many.add_argument("--checksum", action="store_true", help="tell changed files by their bytes, not by size and time")
    many.add_argument(
        "--share", metavar="I/N", help="do only part I (from 0) of N; the command without it then writes the table"
    )
    said = many.add_mutually_exclusive_group()
    said.add_argument("--quiet", action="store_true", help="say nothing but errors of the command itself")
    said.add_argument("--json", action="store_true", help="print progress and errors as JSON, an object a line")


def score(args: argparse.Namespace, processes: "Alone | None") -> int:
    """Write what is wanted, and return the exit code. Raises Unfit, OutputError, WeightsError."""
    from .judge.contact import SUFFIXES as SHEETS
    from .judge.contact import ContactSheet
    from .judge.prefetch import share_memory
    from .scoring.journal import Share
    from .scoring.manifest import model
    from .scoring.processes import Alone
    from .scoring.progress import Progress
    from .scoring.run import NothingThere, Run
    from .scoring.wanted import Wanted

    check(args.output, suffixes=(*TABLES, ""))
    if args.contact_sheet:
        check(args.contact_sheet, "contact sheets", SHEETS)
    if args.print0 and args.json:
        raise Unfit("--print0 and --json both write to standard output; leave one out")
    share = share_of(args.share)
    share_memory()
    processes = processes or Alone()
    main = processes.index == 0
    progress = Progress(args.quiet or not main, args.json and main)
    with processes.first():
        loaded = model(args.weights)
    if loaded.judge.notice:
        progress.note(loaded.judge.notice)
    folder = len(args.paths) == 1 and os.path.isdir(args.paths[0])
    title = Path(args.paths[0]).resolve().name if folder else "Contact sheet"
    sheet = ContactSheet(args.contact_sheet, title) if args.contact_sheet else None
    wanted = Wanted(args.output, args.only, args.light_table, args.sidecars, args.print0, sheet)
    judging = processes.judging(loaded.judge, args.weights, args.prior, args.light)
    items = processes.items(args.paths, progress.note)
    run = Run(loaded, judging, wanted, progress, args.paths, items, args.checksum)
    try:
        if share:
            counts = run.share(share)
            end(progress, f"share {args.share}: {judged(counts)}", counts)
            return 0
        if processes.count > 1:
            run.share(Share(processes.index, processes.count))
            processes.wait()
            if not main:
                return 0
        counts = run.finish(again=processes.count == 1)
    except NothingThere as error:
        raise Unfit(f"{error}: no pictures there ({', '.join(PICTURES)})") from None
    sheets = "".join(f"{file}: the contact sheet\n" for file in sheet.files) if sheet else ""
    table = f"{run.folder}/index.html: the light table\n" if args.light_table else ""
    end(progress, f"{sheets}{table}{args.output}: {judged(counts)}", counts)
    if not sum(counts.values()) - counts[""]:
        return 2
    return int(counts[""] > 0)


def judged(counts: "Counter[str]") -> str:
    """How many frames were judged, in words."""
    return (
        f"{sum(counts.values()) - counts['']} judged ({counts['readable']} readable, {counts['damaged']} damaged, "
        f"{counts['check']} to check), {counts['']} could not be"
    )


def end(progress: "Progress", sentence: str, counts: "Counter[str]") -> None:
    """Say how it ended."""
    progress.last(sentence, {word: counts[word] for word in VERDICTS} | {"not_judged": counts[""]})


def share_of(text: str | None) -> "Share | None":
    """A share as I/N. Raises Unfit where it is none."""
    from .scoring.journal import Share

    if text is None:
        return None
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise Unfit(f"--share {text}: which part of how many, from 0: 0/4, 1/4, 2/4, 3/4")
    return Share(int(index), int(count))
