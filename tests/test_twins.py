"""Twins: frames without damage and with it, that differ by it and nothing else."""

import marks as training
import torch
import twins as pairs
from darkroom.marks import ANSWERS, SIZE
from sight import visibility
from torch.nn import functional as F


def test_twins_differ_where_the_map_says_and_nowhere_else(lying):
    twins = pairs.Twins(lying, 6, ANSWERS, training.CELLS)
    for films, inside, share in (twins[i] for i in range(6)):
        assert films.shape == (2, 3, *SIZE) and inside.shape == SIZE and share.shape == (len(ANSWERS), 16, 24)
        assert share.max() > 0.4
        change = (films[1] - films[0]).float().abs().amax(0)
        change, covered = F.adaptive_max_pool2d(change[None], (16, 24))[0], share.amax(0)
        assert change[covered > 0.4].median() > 3 * change[covered == 0].median()


def test_patches_that_twins_get_end_nearby(lying):
    twins = pairs.Twins(lying, 12, ("colour_patches",), training.CELLS)
    for films, _, _ in (twins[i] for i in range(12)):
        sound, damaged = films.float().numpy().transpose(0, 2, 3, 1)
        seen, ending = visibility(sound, damaged)
        assert ending.sum() > 0.3 * seen.sum() > 0


def test_the_same_twins_are_the_same_and_others_are_others(lying):
    twins = pairs.Twins(lying, 9, ANSWERS, training.CELLS)
    assert torch.equal(twins[3][0], twins[3][0]) and not torch.equal(twins[3][0], twins[4][0])
