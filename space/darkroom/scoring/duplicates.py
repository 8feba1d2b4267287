"""Scans of one negative, found by how alike they look.

Frames whose 64 bits (`judging.shape_of`) differ in at most `FAR` are scans of one picture, or of two that look alike.
Of two such frames one of `FAR` + 1 parts of the bits is the same, so that only frames with an equal part are compared.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from .journal import Journal

FAR = 3  # bits
PARTS = FAR + 1  # of 16 bits each


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
    leader = list(range(len(shapes)))

    def first(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for part in range(PARTS):
        bits = (shapes >> np.uint64(16 * part)) & np.uint64(0xFFFF)
        order = np.argsort(bits, kind="stable")
        ends = np.flatnonzero(np.diff(bits[order])) + 1
        for same in np.split(order, ends):
            if len(same) < 2:
                continue
            for at, i in enumerate(same[:-1]):
                differing = np.bitwise_count(shapes[same[at + 1 :]] ^ shapes[i])
                for j in same[at + 1 :][differing <= FAR]:
                    a, b = sorted((first(int(i)), first(int(j))))
                    leader[b] = a
    found = defaultdict(list)
    for i in range(len(shapes)):
        found[first(i)].append(i)
    return [members for _, members in sorted(found.items()) if len(members) > 1]
