"""Let verdicts travel: a table, and XMP sidecars that digiKam, darktable and Lightroom read."""

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from xml.sax.saxutils import escape, quoteattr

from ..judge.roll import Frame
from ..judge.verdict import COLUMNS, Verdict
from .export import shortened

LABELS = {"readable": "Green", "check": "Yellow", "damaged": "Red"}
REJECTED, UNRATED = -1, 0
SUFFIX, LONGEST = ".xmp", 255  # bytes of a file's name on disks
README = """One XMP sidecar a frame, twice over, since programs differ in the name they look for.
Copy them beside your pictures:

  name.xmp/      for Lightroom and other Adobe programs (frame.xmp; they read it for camera raws)
  name.ext.xmp/  for darktable and digiKam (frame.jpg.xmp)

Damaged frames are rejected (rating -1); keywords name the verdict and the kinds of damage, or that a picture is no
colour negative. Names too long for a disk are cut.
"""

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmp:Rating="{rating}" xmp:Label={label}>
   <dc:subject><rdf:Bag>{keywords}</rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag>{paths}</rdf:Bag></lr:hierarchicalSubject>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def keywords(verdict: Verdict) -> list[str]:
    """The verdict, then each defect found, likeliest first, or that it is no colour negative."""
    if verdict.evidence.not_negative:
        return [verdict.verdict, "no colour negative"]
    return [verdict.verdict, *(name.replace("_", " ") for name in verdict.found)]


def xmp(verdict: Verdict) -> str:
    """The sidecar of one frame: xmp:Rating -1 rejects a damaged one, the others stay unrated."""
    words = keywords(verdict)
    sure = f"{verdict.confidence:.0%} sure at a prior of {verdict.prior:.0%}. "
    sure = "" if verdict.evidence.not_negative else sure
    return XMP.format(
        rating=REJECTED if verdict.verdict == "damaged" else UNRATED,
        label=quoteattr(LABELS[verdict.verdict]),
        keywords="".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in words),
        paths="".join(f"<rdf:li>negative|{escape(word)}</rdf:li>" for word in words),
        description=escape(sure + verdict.said),
    )


def beside(picture: PurePosixPath, stem: str) -> PurePosixPath:
    """Where the sidecar that is named `stem` lies, cut to what a disk allows."""
    return picture.with_name(shortened(stem, LONGEST - len(SUFFIX)) + SUFFIX)


def sidecars_zip(frames: Iterable[Frame]) -> bytes:
    """A ZIP with the sidecars of all judged frames under both naming habits; the folders of the roll are kept."""
    out, taken = io.BytesIO(), set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for frame in frames:
            if frame.verdict is None:
                continue
            text, name = xmp(frame.verdict), PurePosixPath(frame.name)
            for entry in (f"name.ext.xmp/{beside(name, name.name)}", f"name.xmp/{beside(name, name.stem)}"):
                if entry not in taken:  # frame.jpg and frame.tif share frame.xmp: the first one has it
                    taken.add(entry)
                    archive.writestr(entry, text)
    return out.getvalue()


def verdicts_csv(frames: Iterable[Frame]) -> str:
    """The table that `score` writes: one row a file, the unjudged ones with their `error`."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(frame.row() for frame in frames)
    return out.getvalue()
