"""What the files in a ZIP are called. Only since 2006 may an archive say that its names are UTF-8, and many do not."""

import re
import unicodedata
import zipfile
from collections.abc import Iterable
from itertools import pairwise

from .folder import composed

SAID_UTF8 = 0x800  # the flag
UNICODE_PATH = 0x7075  # the extra field with the name in UTF-8 beside the old one
# Encodings of East Asia, and the first bytes of what is common in them: kana, and the first of two levels of kanji and
# hanzi. Others read in them are rare characters.
EAST_ASIAN = (("cp932", range(0x81, 0x98)), ("gb2312", range(0xB0, 0xD8)), ("big5", range(0xA4, 0xC7)))
HANGUL = range(0xB0, 0xC9)  # the first bytes of Korean, of Chinese in pinyin's order those up to q
# Alphabets, as DOS and then as Windows write them: of the west, of central Europe, Cyrillic.
ALPHABETS = ("cp437", "cp850", "cp852", "cp866", "cp1252", "cp1251", "cp1250")
WORD = re.compile(r"[^\W\d_]+")
MARKS = "–—‘’“”„…"


def names_of(members: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The names, their accents composed. Where an archive does not declare their encoding, it is guessed from all of
    them together: UTF-8, or the code pages of DOS and Windows in the west, in central and eastern Europe, Japan, China
    and Korea."""
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
    for encoding, common in EAST_ASIAN:
        if _is_common(odd, encoding, common):
            return "cp949" if encoding == "gb2312" and _is_korean(odd) else encoding
    return next((encoding for encoding in ALPHABETS if _is_spelt(odd, encoding)), "cp437")


def _is_common(odd: bytes, encoding: str, common: range) -> bool:
    """Whether bytes hold characters of East Asia in words. A western accent and the letter behind it make one between
    letters, and Cyrillic makes rare ones."""
    text = _decoded(odd, encoding) or ""
    runs = [[c.encode(encoding)[0] in common for c in run] for run in re.findall(r"[^\x00-\x7f]+", text)]
    in_words = [known for run in runs if len(run) > 1 for known in run]
    return sum(in_words) > 2 / 3 * len(in_words) and 2 * len(in_words) > sum(map(len, runs))


def _is_korean(odd: bytes) -> bool:
    """Whether what can be Chinese is Korean: of four Chinese characters one is likely from the end of the alphabet."""
    first = [c.encode("gb2312")[0] for c in odd.decode("gb2312") if not c.isascii()]
    return len(first) >= 4 and all(byte in HANGUL for byte in first)


def _is_spelt(odd: bytes, encoding: str) -> bool:
    """Whether bytes hold words of one alphabet each: Latin with some accents, or Cyrillic."""
    text = _decoded(odd, encoding)
    if text is None or not all(c.isascii() or c in MARKS for c in WORD.sub("", text)):
        return False
    words = [word for word in WORD.findall(text) if not word.isascii()]
    alphabets = [{unicodedata.name(c, "").split(" ")[0] for c in word} for word in words]
    if not all(used in ({"LATIN"}, {"CYRILLIC"}) for used in alphabets):
        return False
    if any(a.islower() and b.isupper() and not (a + b).isascii() for word in words for a, b in pairwise(word)):
        return False
    latin = "".join(word for word, used in zip(words, alphabets, strict=True) if used == {"LATIN"})
    return sum(not c.isascii() for c in latin) <= 3 / 4 * len(latin)


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
