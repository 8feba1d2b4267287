"""Which files of a folder are pictures to judge: by their suffix, without what computers put there by themselves."""

import mimetypes
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .camera import RAW_SUFFIXES

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".btf", ".tf8"),
    *(".webp", ".heic", ".heif", ".hif", ".heics", ".heifs", ".avif", ".avifs", ".jxl"),
    *(".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jpc"),
    *RAW_SUFFIXES,
)
# Pictures that do not open here, and which `mimetypes` does not know everywhere.
OTHER_PICTURES = (".psd", ".psb", ".xcf", ".exr", ".hdr", ".eps", ".tga", ".bmp", ".gif", ".afphoto", ".eip", ".jxr")
# Folders and files, in small letters, that file servers, computers and catalogues make: thumbnails, bins, their notes.
CLUTTER = (
    *("@eadir", "@tmp", "@__thumb", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin"),
    *("recycler", "recycled", "system volume information", "lost+found", "network trash folder", "temporary items"),
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "zbthumbnail.info", "thumbnails"),
)
CLUTTER_ENDS = (".lrdata", ".photoslibrary", ".cocatalogdb", ".aplibrary")


def is_clutter(path: str | PurePosixPath) -> bool:
    """Whether a path, relative to the folder or archive that was named, is made by a system and no picture of the user.
    Names that begin with a dot are hidden (AppleDouble, bins, thumbnails)."""
    parts = [part.lower() for part in PurePosixPath(path).parts if part != ".."]
    return any(part in CLUTTER or part.startswith(".") or part.endswith(CLUTTER_ENDS) for part in parts)


@dataclass
class Walk:
    """What is in a folder or below it: pictures, in sorted order; skipped, what looks like one but does not open here;
    unread, what is called like a picture and is no file, and folders that cannot be listed, each with its sentence."""

    pictures: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    unread: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def note(self) -> str:
        """A sentence on what was skipped, or an empty text."""
        if not self.skipped:
            return ""
        kinds = ", ".join(sorted({path.suffix.lower() for path in self.skipped}))
        files = (
            "1 file looks like a picture but was"
            if len(self.skipped) == 1
            else (f"{len(self.skipped)} files look like pictures but were")
        )
        return f"{files} skipped ({kinds}): save as JPEG, PNG or TIFF what is to be judged"


def walk(folder: Path) -> Walk:
    """Every picture below a folder, symbolic links to folders not followed."""
    whole = Walk()
    for each in folders_below(folder):
        whole.pictures += each.pictures
        whole.skipped += each.skipped
        whole.unread += each.unread
    return whole


def folders_below(folder: Path) -> Iterator[Walk]:
    """The same, a folder at a time, so that the largest archive takes the memory of its largest folder."""
    failed: list[OSError] = []
    for place, below, files in os.walk(folder, onerror=failed.append):
        below[:] = sorted(name for name in below if not is_clutter(name))
        found = Walk()
        for name in sorted(files):
            path = Path(place, name)
            suffix = path.suffix.lower()
            if is_clutter(name):
                continue
            if suffix in SUFFIXES and not path.is_file():
                why = "a link that leads nowhere" if path.is_symlink() else "not a file that can be read"
                found.unread.append((path, f"{why}; mend or delete it"))
            elif suffix in SUFFIXES:
                found.pictures.append(path)
            elif path.is_file() and (
                suffix in OTHER_PICTURES or (mimetypes.guess_type(name)[0] or "").startswith("image/")
            ):
                found.skipped.append(path)
        found.unread += _unlisted(failed)
        yield found
    if failed:
        yield Walk(unread=_unlisted(failed))


def _unlisted(failed: list[OSError]) -> list[tuple[Path, str]]:
    """The folders that could not be listed, which are then forgotten."""
    taken, failed[:] = failed[:], []
    return [(Path(error.filename), f"cannot be listed ({error.strerror}); check its permissions") for error in taken]


def composed(name: str) -> str:
    """A name with its accents composed (NFC), as keyboards write them; a Mac stores them apart (NFD)."""
    return unicodedata.normalize("NFC", name)


def shortened(stem: str, most: int = 200) -> str:
    """A file's name cut to `most` bytes of UTF-8, so that there is room behind it: disks allow 255."""
    return stem.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
