"""Take the pictures out of an uploaded ZIP without trusting it: no path climbs out, nothing unpacks without end."""

import errno
import itertools
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

MEGABYTE = 1_000_000
LARGEST_MEMBER = 800 * MEGABYTE  # a 120-megapixel scan at 16 bits is 720 MB
LARGEST_ARCHIVE = 4000 * MEGABYTE
MOST_FRAMES = 500
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
NOT_FRAMES = (
    "__MACOSX",
    "Thumbs.db",
    "desktop.ini",
)  # what computers add by themselves, as names that begin with a dot
# What `zipfile` and its decoders raise for a member that is broken or packed in an unknown way, and what a disk raises.
UNPACKING = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, NotImplementedError, ValueError)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Found(NamedTuple):
    """A file to be judged, or the sentence that says why it is not. name: what to call it."""

    name: str
    path: Path | None
    error: str = ""


def find_frames(uploads: list[Path], folder: Path) -> list[Found]:
    """The frames among the uploaded files, those in ZIP archives unpacked into `folder`, in the order of a roll.

    At most `MOST_FRAMES`; one more entry then says what was left out.
    """
    every = itertools.chain.from_iterable(
        unpack(path, folder / str(i)) if path.suffix.lower() == ".zip" else [Found(path.name, path)]
        for i, path in enumerate(uploads)
    )
    found = list(itertools.islice(every, MOST_FRAMES + 1))
    if len(found) > MOST_FRAMES:
        first = found[MOST_FRAMES].name
        rest = f"{first}: this and all after it were left out; a roll here has at most {MOST_FRAMES} frames"
        found[MOST_FRAMES] = Found(first, None, rest)
    return found


def unpack(archive: Path, folder: Path) -> Iterator[Found]:
    """Unpack the pictures of a ZIP into `folder`, one after another; what cannot be unpacked has its sentence."""
    try:
        with zipfile.ZipFile(archive) as opened:
            unpacked = 0
            for number, member in enumerate(opened.infolist()):
                name = member.filename
                if member.is_dir() or _is_clutter(name):
                    continue
                problem = _refusal(archive.name, member, unpacked)
                if problem:
                    yield Found(name, None, problem)
                    continue
                target = folder / str(number) / PurePosixPath(name).name
                found = _extract(opened, member, target, archive.name)
                unpacked += target.stat().st_size if found.path else 0
                yield found
    except (zipfile.BadZipFile, OSError):
        yield Found(archive.name, None, f"{archive.name}: not a ZIP archive we can open; pack it again")


def _is_clutter(name: str) -> bool:
    return any(part in NOT_FRAMES or part.startswith("._") or part == ".DS_Store" for part in PurePosixPath(name).parts)


def _refusal(archive: str, member: zipfile.ZipInfo, unpacked: int) -> str:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    last = path.name or member.filename
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return f"{last}: its path in {archive} leads out of the archive; pack it again without “..”"
    if path.suffix.lower() in ARCHIVES:
        return f"{last}: an archive inside {archive}; upload it by itself"
    if member.flag_bits & 1:
        return f"{last}: {archive} is protected by a password; unpack it and upload the frames"
    if member.file_size > LARGEST_MEMBER:
        limit = LARGEST_MEMBER // MEGABYTE
        return f"{last}: unpacks to {member.file_size / MEGABYTE:,.0f} MB, the limit is {limit} MB; export it smaller"
    if unpacked + member.file_size > LARGEST_ARCHIVE:
        return f"{last}: {archive} unpacks to more than {LARGEST_ARCHIVE // MEGABYTE} MB; split it into several"
    return ""


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, archive: str) -> Found:
    """Copy one member, never more bytes than its header promised: `zipfile` stops there and checks the sum."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with opened.open(member) as source, target.open("wb") as copy:
            while chunk := source.read(MEGABYTE):
                copy.write(chunk)
    except UNPACKING as error:
        if isinstance(error, OSError) and error.errno in FULL:
            return Found(member.filename, None, f"{target.name}: no room to unpack it here; try again later")
        return Found(member.filename, None, f"{target.name}: broken inside {archive}; pack it again")
    return Found(member.filename, target)
