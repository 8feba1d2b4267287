"""What the frames of a roll have in common, as sentences: damage at one place, or at one end."""

from collections import Counter

import numpy as np

from .record import Verdict

MARKED = 0.5  # a cell this hot counts as damaged
SPREAD = 0.4  # damage over more of the frame than this has no place
AT_LEAST = 3  # frames that must agree before a pattern is named


def same_place(judged: list[Verdict]) -> str:
    """A sentence if several damaged frames are marked at one place, as film that is scratched on its way is."""
    marks = [verdict.heat > MARKED for verdict in judged if verdict.verdict != "readable"]
    marks = [mark for mark in marks if 0 < mark.mean() <= SPREAD]
    shapes = Counter(mark.shape for mark in marks)
    if not shapes:
        return ""
    shape, _ = shapes.most_common(1)[0]
    together = np.sum([mark for mark in marks if mark.shape == shape], axis=0)
    most = int(together.max())
    if most < max(AT_LEAST, 0.5 * len(marks)):
        return ""
    y, x = np.argwhere(together == most).mean(axis=0) / np.maximum(np.array(shape) - 1, 1)
    where = f"{('upper', 'middle', 'lower')[min(int(y * 3), 2)]} {('left', 'centre', 'right')[min(int(x * 3), 2)]}"
    return (
        f"{most} frames are marked at the same place ({where}): "
        "look for a scratch along the film's travel, or for dirt on the light table."
    )


def same_end(judged: list[Verdict]) -> str:
    """A sentence if all damage lies at one end of a roll that is long enough to have ends."""
    hit = [i for i, verdict in enumerate(judged) if verdict.verdict == "damaged"]
    if len(judged) < 2 * AT_LEAST or len(hit) < AT_LEAST:
        return ""
    third = len(judged) // 3
    if hit[-1] < max(third, AT_LEAST):
        return (
            f"All damage is among the first {hit[-1] + 1} frames: suspect the chemistry or light at the roll's start."
        )
    if hit[0] >= len(judged) - max(third, AT_LEAST):
        return f"All damage is among the last {len(judged) - hit[0]} frames: suspect the chemistry or light at its end."
    return ""
