"""Scans of one negative, found by how alike they look.

Frames whose 64 bits (`judging.shape_of`) differ in at most `FAR` are scans of one picture, or of two that look alike.
Of two such frames one of `FAR` + 1 parts of the bits is the same, so that only frames with an equal part are compared.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from .journal import Journal

FAR = 7  # bits; two scans of one negative differ in up to 8, two drawn scenes in 29 and more
PARTS = FAR + 1
WIDE = 64 // PARTS  # bits of a part


def groups(journal: Journal) -> Iterator[dict[str, Any]]:
    """Rows {group, file} of the frames that have others like them, group by group in the order of the list. Frames
    without a picture in them are left out. Takes some 200 bytes a frame."""
    names: list[str] = []
    shapes: list[int] = []
    for _, kept in journal.frames():
        if kept["shape"]:
            names.append(kept["row"]["file"])
            shapes.append(int(kept["shape"], 16))
    for number, members in enumerate(alike(np.array(shapes, np.uint64)), 1):
        yield from ({"group": number, "file": names[i]} for i in members)


def alike(shapes: np.ndarray) -> list[list[int]]:
    """(N,) uint64 to groups of places, each of two or more: who is like one of a group is in it."""
    different, kind = np.unique(shapes, return_inverse=True)
    leader = _led(different)
    found = defaultdict(list)
    for place, each in enumerate(kind):
        found[leader[each]].append(place)
    return sorted(members for members in found.values() if len(members) > 1)


def _led(shapes: np.ndarray) -> list[int]:
    """For each of (N,) different shapes the first of its group."""
    leader = list(range(len(shapes)))

    def first(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for part in range(PARTS):
        bits = (shapes >> np.uint64(WIDE * part)) & np.uint64(2**WIDE - 1)
        order = np.argsort(bits, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(bits[order])) + 1):
            for at, i in enumerate(same[:-1]):
                differing = np.bitwise_count(shapes[same[at + 1 :]] ^ shapes[i])
                for j in same[at + 1 :][differing <= FAR]:
                    a, b = sorted((first(int(i)), first(int(j))))
                    leader[b] = a
    return [first(i) for i in range(len(shapes))]
