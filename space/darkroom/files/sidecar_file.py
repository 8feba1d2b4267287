"""An XMP sidecar beside a picture, written into the one that is there: what another program said is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.dom.minidom import Document, Element, parseString
from xml.parsers.expat import ExpatError

from .folder import shortened
from .sidecar import LONGEST, REJECTED, SUFFIX, UNRATED, Sidecar, xmp
from .table import OutputError
from .whole import write_whole

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
LR = "http://ns.adobe.com/lightroom/1.0/"
OURS = "negative|"  # begins every hierarchical keyword of ours, by which they are known again
BADNESS = ("Green", "Yellow", "Red")  # of labels
LARGEST = 20_000_000  # bytes of a sidecar; darktable's hold masks


def merge_beside(picture: Path, said: Sequence[Sequence[Any]]) -> None:
    """Write a sidecar beside `picture`: into `picture.ext.xmp` or `picture.xmp`, whichever is there, else as the first.

    said: (rating, label, keywords, description) of each frame of the picture, of which it gets the worst label and all
    keywords; it is rejected where all are. In a sidecar that is there, a rating, a label and a description are left as
    they are, and our keywords are put beside the others. Raises OutputError where that is no sidecar that we can read,
    or it cannot be written.
    """
    names = [shortened(stem, LONGEST - len(SUFFIX)) + SUFFIX for stem in (picture.name, picture.stem)]
    there = [path for path in map(picture.with_name, names) if path.is_file()]
    sidecar = joined(picture.name, said)
    for path in there or [picture.with_name(names[0])]:
        try:
            before = path.read_bytes() if there else b""
            text = merged(before, sidecar) if there else xmp(sidecar).encode()
            if text == before:
                continue
            write_whole(path, text)
        except (ExpatError, ValueError) as error:
            raise OutputError(f"{path}: not a sidecar that can be added to ({error}); mend or move it") from None


def joined(name: str, said: Sequence[Sequence[Any]]) -> Sidecar:
    """What one sidecar says of several frames."""
    ratings, labels, keywords, descriptions = zip(*said, strict=True)
    rating = REJECTED if all(each == REJECTED for each in ratings) else UNRATED
    words = list(dict.fromkeys(word for each in keywords for word in each))
    numbered = [f"{n}: {each}" for n, each in enumerate(descriptions, 1)] if len(said) > 1 else descriptions
    return Sidecar(name, rating, max(labels, key=BADNESS.index), words, " ".join(numbered))


def merged(text: bytes, sidecar: Sidecar) -> bytes:
    """A sidecar's text with what `sidecar` says added to it. Raises ValueError or ExpatError."""
    if len(text) > LARGEST or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("it is too large or defines entities")
    document = parseString(text)
    try:
        about = document.getElementsByTagNameNS(RDF, "Description")
        if not about:
            raise ValueError("it describes nothing")
        first: Element = about[0]
        _put_keywords(document, about, sidecar.keywords)
        rejected = str(sidecar.rating) if sidecar.rating == REJECTED else ""
        for name, value in (("Rating", rejected), ("Label", sidecar.label)):
            if value and not _has(about, XMP, name):
                first.setAttribute("xmlns:xmp", XMP)
                first.setAttributeNS(XMP, f"xmp:{name}", value)
        if not _has(about, DC, "description"):
            first.setAttribute("xmlns:dc", DC)
            alternatives = _new(document, first, DC, "dc:description", RDF, "rdf:Alt")
            _item(document, alternatives, sidecar.description).setAttribute("xml:lang", "x-default")
        return _text_of(parseString(_text_of(document)))  # once more: who reads it next then writes the same
    finally:
        document.unlink()


def _text_of(document: Document) -> bytes:
    return document.toxml(encoding="utf-8").split(b"?>", 1)[1].lstrip()


def _has(about: Sequence[Element], space: str, name: str) -> bool:
    return any(each.hasAttributeNS(space, name) or each.getElementsByTagNameNS(space, name) for each in about)


def _new(document: Document, parent: Element, space: str, name: str, inner: str, inside: str) -> Element:
    outer = parent.appendChild(document.createElementNS(space, name))
    found: Element = outer.appendChild(document.createElementNS(inner, inside))
    found.setAttribute("xmlns:rdf", RDF)
    return found


def _item(document: Document, bag: Element, text: str) -> Element:
    prefix = bag.tagName.rpartition(":")[0]
    item: Element = bag.appendChild(document.createElementNS(RDF, f"{prefix}:li" if prefix else "li"))
    item.appendChild(document.createTextNode(text))
    return item


def _put_keywords(document: Document, about: Sequence[Element], words: list[str]) -> None:
    """Put `words` into both lists of keywords, flat and hierarchical, in place of ours of an earlier run. One that
    someone else has put into the flat list stays theirs: without our hierarchical one no later run takes it out."""
    flat = _bags(document, about, (DC, "dc", "subject"))
    paths = _bags(document, about, (LR, "lr", "hierarchicalSubject"))
    ours = {text.removeprefix(OURS) for text, _ in _items(paths) if text.startswith(OURS)}
    for text, item in [*_items(flat), *_items(paths)]:
        if text.removeprefix(OURS) in ours:
            bag: Any = item.parentNode
            bag.removeChild(item)
    theirs = {text for text, _ in _items(flat)}
    for word in words:
        if word not in theirs:
            _item(document, flat[0], word)
            _item(document, paths[0], OURS + word)


def _bags(document: Document, about: Sequence[Element], where: tuple[str, str, str]) -> list[Element]:
    """Those of a list of keywords, made if there is none."""
    space, prefix, name = where
    found = [list_ for each in about for list_ in each.getElementsByTagNameNS(space, name)]
    bags = [bag for each in found for bag in each.childNodes if bag.nodeType == bag.ELEMENT_NODE]
    if not bags:
        about[0].setAttribute(f"xmlns:{prefix}", space)
        bags = [_new(document, about[0], space, f"{prefix}:{name}", RDF, "rdf:Bag")]
    return bags


def _items(bags: Sequence[Element]) -> list[tuple[str, Element]]:
    return [(_text(item), item) for bag in bags for item in bag.getElementsByTagNameNS(RDF, "li")]


def _text(item: Element) -> str:
    return "".join(node.data for node in item.childNodes if node.nodeType == node.TEXT_NODE)
