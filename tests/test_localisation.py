"""Whether a heat map lies on the damage."""

import numpy as np
from datasets import Dataset

from darkroom.taxonomy import DEFECTS
from learning.localisation import hits, hits_by_kind


def test_the_hottest_tenth_must_meet_the_damage():
    heat = np.zeros((2, 10, 10))
    heat[:, 0] = np.linspace(0.5, 1, 10)  # ten of a hundred cells
    damaged = np.zeros((2, 10, 10), bool)
    damaged[0, 0, 9] = damaged[1, 5, 5] = True
    assert hits(heat, damaged).tolist() == [True, False]


def test_by_kind_counts_only_frames_with_that_kind():
    cells = np.zeros((3, len(DEFECTS), 4, 4), np.uint8)
    cells[0, 3, 1, 1] = cells[1, 3, 2, 2] = 255  # holes in two frames
    cells[2, 1] = 255  # a blank frame
    heat = np.zeros((3, 4, 4))
    heat[:, 1, :2] = 0.5, 1  # a tenth of sixteen cells is two
    rows = Dataset.from_dict({"cells": [one.tobytes() for one in cells]})
    assert hits_by_kind(heat, rows) == {"blank_area": 1.0, "holes": 0.5}
    partly = Dataset.from_dict({"cells": [b"", cells[1].tobytes(), b""]})  # the others are unknown
    assert hits_by_kind(heat, partly) == {"holes": 0.0}
    assert hits_by_kind(heat, Dataset.from_dict({"cells": [b"", b"", b""]})) == {}
