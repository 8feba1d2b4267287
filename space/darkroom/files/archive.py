"""Take the pictures out of an uploaded ZIP without trusting it: no path climbs out, nothing unpacks without end."""

import errno
import itertools
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .folder import composed, is_clutter
from .frame_count import count_frames
from .limits import UnreadableScan
from .pairs import paired
from .zip_names import names_of

MEGABYTE = 1_000_000
LARGEST_MEMBER = 800 * MEGABYTE  # a 120-megapixel scan at 16 bits is 720 MB
LARGEST_UPLOAD = 4000 * MEGABYTE  # all that the archives of one upload unpack to
LARGEST_DIRECTORY = 10 * MEGABYTE  # of an archive: what it says of its files, a hundred bytes each
FLATTEST, UNASKED = 200, 50 * MEGABYTE  # times that a picture is packed smaller; a smaller one may be whatever it is
LAST_RECORD, WIDE_PLACE, WIDE_RECORD = b"PK\5\6", b"PK\6\7", b"PK\6\6"  # which say how large that is
MOST_FRAMES = 500
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
# What `zipfile` and its decoders raise for an archive or a member that is broken, packed in an unknown way or oddly
# named, and what a disk raises.
UNPACKING = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,
    ValueError,
    IndexError,  # `ZipInfo.is_dir` of a member without a name
)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FrameSource(NamedTuple):
    """A frame to be judged, or the sentence that says why it is not. name: what to call it. number: of the frame in its
    file, from 0. infrared: the file that holds its infrared, if that is another."""

    name: str
    path: Path | None
    error: str = ""
    number: int = 0
    infrared: Path | None = None


@dataclass
class UnpackBudget:
    """What the archives of one upload may yet unpack to, in bytes."""

    left: int = LARGEST_UPLOAD


def frames_in_uploads(uploads: list[Path], folder: Path) -> list[FrameSource]:
    """The frames among the uploaded files, those in ZIP archives unpacked into `folder`, in the order of the upload.

    At most `MOST_FRAMES`; one more entry then says what was left out.
    """
    budget = UnpackBudget()
    files = itertools.chain.from_iterable(
        unpack(path, folder / str(i), budget)
        if path.suffix.lower() == ".zip"
        else [FrameSource(composed(path.name), path)]
        for i, path in enumerate(uploads)
        if not is_clutter(path.name)
    )
    # Each frame may have an infrared file, anywhere before or after it.
    every = itertools.chain.from_iterable(map(each_frame, paired(itertools.islice(files, 2 * MOST_FRAMES + 1))))
    found = list(itertools.islice(every, MOST_FRAMES + 1))
    if len(found) > MOST_FRAMES:
        first = found[MOST_FRAMES].name
        found[MOST_FRAMES] = FrameSource(first, None, left_out(first))
    return found


def left_out(name: str) -> str:
    """The sentence for the first picture of a roll that is one too many."""
    return f"{name}: this and all after it were left out; a roll here has at most {MOST_FRAMES} frames"


def each_frame(file: FrameSource) -> list[FrameSource]:
    """The frames of a file: each page of a multi-page TIFF is one, called `name#1`, `name#2` and so on."""
    count = count_frames(file.path) if file.path else 1
    if count == 1:
        return [file]
    return [file._replace(name=f"{file.name}#{number + 1}", number=number) for number in range(count)]


def unpack(archive: Path, folder: Path, budget: UnpackBudget) -> Iterator[FrameSource]:
    """Unpack the pictures of a ZIP into `folder`, one after another; what cannot be unpacked has its sentence."""
    try:
        with open_zip(archive) as opened:
            for member in members_of(opened, archive.name, budget):
                if isinstance(member, FrameSource):
                    yield member
                    continue
                budget.left -= member.info.file_size  # also where it fails: its bytes were written until then
                yield extract(opened, member, folder / str(member.number), archive.name)
    except UnreadableScan as error:
        yield FrameSource(archive.name, None, str(error))
    except UNPACKING:
        yield FrameSource(archive.name, None, _no_zip(archive))


class Member(NamedTuple):
    """A picture in a ZIP. name: its path there, as text. number: its place in the ZIP's list."""

    name: str
    number: int
    info: zipfile.ZipInfo


def open_zip(archive: Path) -> zipfile.ZipFile:
    """A ZIP's list of files. Raises UnreadableScan where it cannot be read or is too long."""
    try:
        if directory_size(archive) > LARGEST_DIRECTORY:
            raise UnreadableScan(f"{archive.name}: holds far too many files; pack the frames of one roll")
        return zipfile.ZipFile(archive)
    except UNPACKING as error:
        if isinstance(error, UnreadableScan):
            raise
        raise UnreadableScan(_no_zip(archive)) from None


def _no_zip(archive: Path) -> str:
    return f"{archive.name}: not a ZIP archive we can open; pack it again"


def members_of(opened: zipfile.ZipFile, archive: str, budget: UnpackBudget) -> Iterator[Member | FrameSource]:
    """The pictures of a ZIP that is called `archive`, none of them unpacked; a refused one as an entry with its
    sentence. Raises one of `UNPACKING` where the list is broken."""
    members = opened.infolist()
    for number, (info, name) in enumerate(zip(members, names_of(members), strict=True)):
        if info.is_dir() or is_clutter(name):
            continue
        problem = _refusal(archive, info, name, budget)
        yield FrameSource(name, None, problem) if problem else Member(name, number, info)


def directory_size(archive: Path) -> int:
    """Bytes in which a ZIP lists its files, as it says at its end; `zipfile` makes objects of them all at once."""
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - 70_000))  # the last record has a comment of 65,535 bytes at most
        end = file.read()
    at = len(end) - 22 if end[-22:-18] == LAST_RECORD and end[-2:] == b"\0\0" else end.rfind(LAST_RECORD)
    wide = at - 20 - 56  # from 4 GB on, behind it where that lies
    if wide >= 0 and end[wide : wide + 4] == WIDE_RECORD and end[at - 20 : at - 16] == WIDE_PLACE:
        return int.from_bytes(end[wide + 40 : wide + 48], "little")
    return int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0


def _refusal(archive: str, member: zipfile.ZipInfo, name: str, budget: UnpackBudget) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    last = path.name
    if not path.name:
        return f"{archive}: a file in it has no name; pack it again"
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return f"{last}: its path in {archive} leads out of the archive; pack it again without “..”"
    if path.suffix.lower() in ARCHIVES:
        return f"{last}: an archive inside {archive}; upload it by itself"
    if member.flag_bits & 1:
        return f"{last}: {archive} is protected by a password; unpack it and upload the frames"
    if member.file_size > LARGEST_MEMBER:
        limit = LARGEST_MEMBER // MEGABYTE
        return f"{last}: unpacks to {member.file_size / MEGABYTE:,.0f} MB, the limit is {limit} MB; export it smaller"
    if member.file_size > max(UNASKED, FLATTEST * member.compress_size):
        times = member.file_size // max(member.compress_size, 1)
        return f"{last}: unpacks to {times:,} times its size, as no scan does; upload it by itself"
    if member.file_size > budget.left:
        return f"{last}: more than {LARGEST_UPLOAD // MEGABYTE:,} MB would be unpacked; upload it with the next frames"
    return ""


def extract(opened: zipfile.ZipFile, member: Member, folder: Path, archive: str) -> FrameSource:
    """Copy one member of the ZIP called `archive` into `folder`, which is made;
    never more bytes than its header promised: `zipfile` stops there and checks the sum."""
    name, last = member.name, PurePosixPath(member.name).name
    last = last if len(last.encode("utf-8", "replace")) < 200 else f"frame{PurePosixPath(last).suffix}"
    target = folder / last
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with opened.open(member.info) as source, target.open("wb") as copy:
            while chunk := source.read(MEGABYTE):
                copy.write(chunk)
    except UNPACKING as error:
        with suppress(OSError):  # what there is of it: nobody else knows of it, and the disk may be full
            target.unlink()
        if isinstance(error, OSError) and error.errno in FULL:
            return FrameSource(name, None, f"{PurePosixPath(name).name}: no room to unpack it here; try again later")
        return FrameSource(name, None, f"{PurePosixPath(name).name}: broken inside {archive}; pack it again")
    return FrameSource(name, target)
