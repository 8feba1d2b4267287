"""Write verdicts beside pictures: XMP sidecars that digiKam, darktable and Lightroom read."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from .folder import shortened

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


class Sidecar(NamedTuple):
    """What the sidecar of one picture says.

    name: the picture's path in its roll. rating: `REJECTED` or `UNRATED`. label: a colour, as Lightroom calls it.
    """

    name: str
    rating: int
    label: str
    keywords: list[str]
    description: str


def xmp(sidecar: Sidecar) -> str:
    """The sidecar's text."""
    words = [escape(word) for word in sidecar.keywords]
    return XMP.format(
        rating=sidecar.rating,
        label=quoteattr(sidecar.label),
        keywords="".join(f"<rdf:li>{word}</rdf:li>" for word in words),
        paths="".join(f"<rdf:li>negative|{word}</rdf:li>" for word in words),
        description=escape(sidecar.description),
    )


def entry_name(picture: PurePosixPath, stem: str) -> PurePosixPath:
    """Where the sidecar that is named `stem` lies, cut to what a disk allows."""
    return picture.with_name(shortened(stem, LONGEST - len(SUFFIX)) + SUFFIX)


def sidecars_zip(sidecars: Iterable[Sidecar]) -> bytes:
    """A ZIP with the sidecars of a roll under both naming habits; the folders of the roll are kept."""
    out, taken = io.BytesIO(), set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for sidecar in sidecars:
            text, name = xmp(sidecar), PurePosixPath(sidecar.name)
            for entry in (f"name.ext.xmp/{entry_name(name, name.name)}", f"name.xmp/{entry_name(name, name.stem)}"):
                if entry not in taken:  # frame.jpg and frame.tif share frame.xmp: the first one has it
                    taken.add(entry)
                    archive.writestr(entry, text)
    return out.getvalue()
