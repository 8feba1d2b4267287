"""A light table as HTML: small pictures, worst first, some hundred a page, so that a hundred thousand open as fast as
ten."""

import os
from collections import Counter
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..files.whole import write_whole
from ..taxonomy import VERDICTS
from .items import Item
from .journal import Journal
from .pictures import FOLDER

EACH = 200  # frames on a page
# Least readable first; then what is no colour negative and what could not be judged.
WORST_FIRST = (
    "json_extract(kept, '$.row.error') <> '', json_extract(kept, '$.row.p_normal') IS NULL,"
    " json_extract(kept, '$.row.p_normal'), place, number"
)
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Light table, page {number} of {of}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1rem; background: #faf9f7; color: #1b1a18 }}
ol {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: .8rem; padding: 0 }}
li {{ list-style: none; overflow-wrap: anywhere; border-top: .3rem solid #5b5852; background: #fff; padding: .4rem }}
.damaged {{ border-color: #b3261e }} .check {{ border-color: #845300 }} .readable {{ border-color: #1c6b3c }}
img {{ width: 100%; height: 170px; object-fit: contain; display: block }}
small {{ display: block; color: #5b5852 }} nav a, nav b {{ margin-right: .8rem }}
</style>
<h1>Light table</h1><p>{summary}</p>
<nav aria-label="Pages">{links}</nav>
<ol>
{frames}
</ol>
<nav aria-label="Pages, again">{links}</nav>
</html>
"""


def write_light_table(
    folder: Path, journal: Journal, has: Callable[[dict[str, Any]], bool], counts: Counter[str]
) -> None:
    """Write `index.html` and the pages after it into `folder`, which holds the small pictures.

    has: whether a frame is wanted. counts: of all frames, by verdict. Raises OSError where a page cannot be written.
    """
    total = sum(has(kept) for _, kept in journal.frames())
    of = max(1, -(-total // EACH))
    summary = ", ".join(f"{counts[word]:,} {VERDICTS[word].lower()}" for word in VERDICTS)
    summary = f"{sum(counts.values()):,} frames: {summary}, {counts['']:,} not judged. Here: {total:,}, worst first."
    number = 1
    frames: list[str] = []
    for item, kept in journal.frames(WORST_FIRST):
        if not has(kept):
            continue
        if len(frames) == EACH:
            _write(folder, number, of, summary, frames)
            number, frames = number + 1, []
        frames.append(_frame(item, kept, folder))
    _write(folder, number, of, summary, frames)
    while (old := folder / name_of(number + 1)).exists():  # of a longer table
        old.unlink()
        number += 1


def name_of(number: int) -> str:
    """The file of a page, counted from 1."""
    return "index.html" if number == 1 else f"page-{number:05}.html"


def _write(folder: Path, number: int, of: int, summary: str, frames: list[str]) -> None:
    near = sorted({1, of, *range(max(1, number - 3), min(of, number + 3) + 1)})
    links = "".join(f"<b>{n}</b>" if n == number else f'<a href="{name_of(n)}">{n}</a>' for n in near)
    text = PAGE.format(number=number, of=of, summary=summary, links=links, frames="\n".join(frames))
    write_whole(folder / name_of(number), text.encode())


def _frame(item: Item, kept: dict[str, Any], folder: Path) -> str:
    row = kept["row"]
    name = escape(row["file"])
    chance = "" if row["p_normal"] is None else f", readable: {100 * row['p_normal']:.0f} %"
    said = escape(row["error"] or row["reason"])
    word = row["verdict"] or "error"
    picture = f'<img src="{FOLDER}/{kept["picture"]}" loading="lazy" alt="">' if kept["picture"] else ""
    if item.path and item.member < 0:
        name = f'<a href="{escape(_link(item.path, folder))}">{name}</a>'
    title = VERDICTS.get(word, "Not judged")
    return f'<li class="{word}">{picture}<strong>{title}</strong>{chance}<br>{name}<small>{said}</small>'


def _link(path: bytes, folder: Path) -> str:
    """From the table to a file, so that both can move together."""
    return quote(os.path.relpath(path, os.fsencode(folder)))
