"""What the files in a ZIP are called. Only since 2006 may an archive say that its names are UTF-8, and many do not."""

import re
import zipfile
from collections.abc import Iterable

from .folder import composed

SAID_UTF8 = 0x800  # the flag
UNICODE_PATH = 0x7075  # the extra field with the name in UTF-8 beside the old one
EAST_ASIAN = re.compile(r"[\u3005\u3040-\u30ff\u4e00-\u9fff\uff10-\uff5a]+")  # kana, kanji, wide letters


def names_of(members: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The names, their accents composed. Where an archive does not say how they are written, it is asked of all of them
    together: UTF-8, Shift-JIS, or as western Windows and DOS write them."""
    members = list(members)
    encoding = _encoding([_bytes(member) for member in members if not member.flag_bits & SAID_UTF8])
    return [composed(_name(member, encoding)) for member in members]


def _bytes(member: zipfile.ZipInfo) -> bytes:
    return member.orig_filename.encode("cp437", "replace")  # `zipfile` took them for that


def _name(member: zipfile.ZipInfo, encoding: str) -> str:
    if member.flag_bits & SAID_UTF8:
        return member.filename
    at, extra = 0, member.extra
    while at + 4 <= len(extra):
        kind, size = (int.from_bytes(extra[at + i : at + i + 2], "little") for i in (0, 2))
        if kind == UNICODE_PATH and size > 5:  # version and checksum first
            return extra[at + 9 : at + 4 + size].decode("utf-8", "replace")
        at += 4 + size
    name = _bytes(member).decode(encoding, "replace")
    return name.split("\0")[0].replace("\\", "/") if encoding != "cp437" else member.filename


def _encoding(names: list[bytes]) -> str:
    odd = b" ".join(name for name in names if not name.isascii())
    if not odd:
        return "cp437"
    if _decoded(odd, "utf-8") is not None:
        return "utf-8"
    japanese = _decoded(odd, "cp932")
    if japanese is not None:
        runs = [len(run) for run in EAST_ASIAN.findall(japanese)]
        # A western accent and the letter behind it make one kanji between letters; Japanese has them in words.
        if sum(run for run in runs if run > 1) > sum(runs) / 2 and sum(runs):
            return "cp932"
    for western in ("cp437", "cp1252"):
        text = _decoded(odd, western)
        if text is not None and all(c.isascii() or c.isalpha() for c in text):
            return western
    return "cp437"


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
