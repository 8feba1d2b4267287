"""A table of labels, as spreadsheets save it: UTF-8, UTF-16 or a code page of Windows, DOS or the Mac, with commas,
semicolons or tabs."""

import io
import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from darkroom.files.folder import composed
from learning.dataset import DataError

# Code pages of spreadsheets: of the west (Windows, Mac, DOS), of central and eastern Europe, of Japan, China and Korea.
CODE_PAGES = ("cp1252", "mac_roman", "cp850", "cp1250", "cp852", "cp1251", "cp866", "cp932", "gb18030", "big5", "cp949")
BETWEEN_CELLS = re.compile(r'[,;\t\r\n"]+')


def read(labels: Path, needed: list[str], pictures: Collection[str]) -> pd.DataFrame:
    """The table as text, so that 007 stays 007 and NA stays NA. Its index is the row number in a spreadsheet, where the
    header is row 1.

    needed: columns that must be there. pictures: names of pictures, by which the encoding is chosen. Raises DataError.
    """
    text = _text(labels, pictures)
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    # Spreadsheets of many countries put semicolons between the columns, and tabs into "Unicode text".
    mark = max(",;\t", key=header.count)
    try:
        rows = pd.read_csv(io.StringIO(text), sep=mark, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{labels}: cannot be read as CSV ({error})") from None
    rows.columns = rows.columns.str.strip()
    missing = [column for column in needed if column not in rows.columns]
    if missing:
        raise DataError(f"{labels}: no column {', '.join(missing)}; it has {', '.join(rows.columns)}")
    rows.index += 2
    return rows


def _text(labels: Path, pictures: Collection[str]) -> str:
    """Decode text in an unknown code page: the one in which most pictures are found is taken."""
    try:
        data = labels.read_bytes()
    except OSError as error:
        raise DataError(f"{labels}: cannot be read ({error.strerror}); check the path") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        unicode = "utf-16"
    elif b"\0" in data[:2]:  # as the first letter of a header is in UTF-16
        unicode = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    else:
        unicode = "utf-8-sig"
    text = _decoded(data, unicode)
    if text is None and unicode == "utf-8-sig":
        texts = [text for page in CODE_PAGES if (text := _decoded(data, page)) is not None]
        text = max(texts, key=lambda text: len(_cells(text) & set(pictures)), default=None)
    if text is None:
        raise DataError(f"{labels}: its text is neither UTF-8 nor UTF-16 nor a code page; save it as “CSV UTF-8”")
    return text


def _cells(text: str) -> set[str]:
    return {composed(cell.strip()) for cell in BETWEEN_CELLS.split(text)}


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
