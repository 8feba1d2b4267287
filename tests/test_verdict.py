"""The verdict: from a scan to a verdict, a probability, a reason and remedies."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from darkroom.film.evidence import Evidence
from darkroom.film.scan import open_scan
from darkroom.judge.calibration import Calibration, logit
from darkroom.judge.record import COLUMNS, decide, heat_map
from darkroom.judge.resnet import ResNet18
from darkroom.judge.verdict import Judge
from darkroom.taxonomy import DEFECTS, REMEDIES
from film import eight_bit, frame, png

CLEAN = Evidence(0.5, 0, 0, 0, 0, 0.3, 0.2, 8, 90)
RULE = replace(Calibration.identity(DEFECTS), readable_above=0.8, damaged_below=0.3)


@pytest.fixture(scope="module")
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge(ResNet18(input_size=64).network())


@pytest.fixture(scope="module")
def scans() -> list:
    return [open_scan(png(eight_bit(frame(seed=seed))), f"{seed}.png") for seed in range(5)]


def test_a_batch_and_one_at_a_time_agree_to_1e_5(judge, scans):
    together = judge.judge_batch(scans)
    for scan, verdict in zip(scans, together, strict=True):
        alone = judge.judge(scan)
        assert alone.file == verdict.file
        assert alone.p_normal == pytest.approx(verdict.p_normal, abs=1e-5)
        assert alone.defects == pytest.approx(verdict.defects, abs=1e-5)


def test_frames_of_several_shapes_are_judged_in_their_order(judge):
    shapes = [(120, 80), (80, 120), (120, 80), (100, 100)]
    scans = [open_scan(png(eight_bit(frame(*shape, seed=i))), f"{i}.png") for i, shape in enumerate(shapes)]
    assert len({judge.prepare(scan).pixels.shape for scan in scans}) > 1
    together = judge.judge_batch(scans)
    assert [verdict.file for verdict in together] == [scan.name for scan in scans]
    alone = [judge.judge(scan).p_normal for scan in scans]
    assert [verdict.p_normal for verdict in together] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("shape", [(120, 180), (180, 120)])
def test_a_turned_frame_has_the_same_verdict_and_its_damage_where_it_lies(judge, shape):
    rgb = frame(*shape)
    expected = judge.judge(open_scan(png(eight_bit(rgb))))
    assert expected.heat.shape == ((2, 1) if shape[0] > shape[1] else (1, 2))
    for quarters in (1, 2, 3):
        verdict = judge.judge(open_scan(png(eight_bit(np.rot90(rgb, quarters)))))
        assert verdict.p_normal == pytest.approx(expected.p_normal, abs=1e-4)
        np.testing.assert_allclose(verdict.heat, np.rot90(expected.heat, quarters), atol=1e-3)


def test_the_order_of_a_networks_channels_is_its_own(judge, scans):
    backwards = ResNet18(input_size=64, defects=DEFECTS[::-1]).eval()
    model = ResNet18.of(judge.model)
    backwards.load_state_dict(model.state_dict())
    order = [0, 1, *range(len(DEFECTS) + 1, 1, -1)]
    with torch.no_grad():
        backwards.head.weight.copy_(model.head.weight[order])
        backwards.head.bias.copy_(model.head.bias[order])
    expected, verdict = judge.judge(scans[0]), Judge(backwards.network()).judge(scans[0])
    assert verdict.defects == pytest.approx(expected.defects, abs=1e-5)
    assert verdict.p_normal == pytest.approx(expected.p_normal, abs=1e-5)
    assert tuple(verdict.row()) == tuple(expected.row()) == COLUMNS


def test_another_prior_needs_no_forward_pass_and_equals_judging_at_it(judge, scans):
    at_even = judge.judge(scans[0])
    judged = judge.judge(scans[0], prior=0.9)
    moved = at_even.at_prior(0.9)
    assert moved.p_normal == pytest.approx(judged.p_normal, abs=1e-9) and moved.p_normal > at_even.p_normal
    assert moved.verdict == judged.verdict
    assert moved.at_prior(0.5).p_normal == pytest.approx(at_even.p_normal, abs=1e-9)


def test_confidence_is_that_of_the_likelier_side(judge, scans):
    verdict = replace(judge.judge(scans[0]), p_normal=0.2)
    assert verdict.confidence == pytest.approx(0.8)


def test_a_row_has_the_columns_of_a_verdicts_file(judge, scans):
    row = judge.judge(scans[0]).row()
    assert tuple(row) == COLUMNS and row["file"] == "0.png" and row["error"] == ""


def test_no_scans_give_no_verdicts(judge):
    assert judge.judge_batch([]) == []


def test_a_damaged_frame_names_the_likeliest_damage():
    word, reason = decide(0.1, {"noise": 0.6, "holes": 0.9}, CLEAN, RULE)
    assert word == "damaged" and "holes" in reason


def test_a_bad_scan_of_a_doubtful_frame_asks_for_a_rescan_not_for_damage():
    assert decide(0.1, {}, replace(CLEAN, sharpness=0.01), RULE)[0] == "check"
    assert "rescan" in decide(0.1, {}, replace(CLEAN, sharpness=0.01), RULE)[1]
    assert decide(0.95, {}, replace(CLEAN, sharpness=0.01), RULE)[0] == "readable"


def test_a_picture_that_is_no_colour_negative_is_for_a_person_whatever_the_network_says():
    word, reason = decide(0.99, {}, replace(CLEAN, monochrome=0.0), RULE)
    assert word == "check" and "does not look like a colour negative" in reason


def test_remedies_come_likeliest_first_and_only_where_something_is_wrong(judge, scans):
    chances = dict.fromkeys(DEFECTS, 0.1) | {"holes": 0.7, "noise": 0.9}
    damaged = replace(judge.judge(scans[0]), verdict="damaged", defects=chances)
    assert damaged.remedies == [("noise", REMEDIES["noise"]), ("holes", REMEDIES["holes"])]
    assert replace(damaged, verdict="readable").remedies == []
    assert replace(damaged, verdict="check", evidence=replace(CLEAN, positive=0.99)).remedies == []


def test_every_defect_has_a_cause_and_what_can_be_done():
    assert set(REMEDIES) == set(DEFECTS)
    assert all(remedy.cause and remedy.mend for remedy in REMEDIES.values())


MAPS = np.full((2 + len(DEFECTS), 4, 4), -4.0, np.float32)
MAPS[2 + DEFECTS.index("holes"), 1, 2] = 5
MAPS[2 + DEFECTS.index("noise"), 3, 3] = 5
CHANCES = dict.fromkeys(DEFECTS, 0.05) | {"holes": 0.9}


def test_the_heat_map_is_hottest_where_a_probable_defect_has_its_cell():
    heat = heat_map(MAPS, CHANCES, Calibration.identity(DEFECTS))
    assert heat.shape == (4, 4) and heat.min() >= 0 and heat.max() == pytest.approx(0.9)
    assert np.unravel_index(heat.argmax(), heat.shape) == (1, 2)


def test_a_cell_cools_with_its_own_logit_as_the_calibration_weighs_it():
    maps = MAPS.copy()
    maps[2 + DEFECTS.index("holes"), 0, 0] = 4  # one below the hottest
    calibration = Calibration.identity(DEFECTS)
    calibration.slope["holes"] = 2.0
    heat = heat_map(maps, CHANCES, calibration)
    assert logit(heat[0, 0]) == pytest.approx(logit(0.9) - 2, abs=1e-3)


def test_without_kinds_of_damage_the_label_is_mapped():
    heat = heat_map(np.stack([np.zeros((2, 2)), np.array([[0.0, 9], [9, 9]])]), {}, Calibration.identity(()))
    assert heat[0, 0] == pytest.approx(0.5) and heat[1, 1] < 0.01
