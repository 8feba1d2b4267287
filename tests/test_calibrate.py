"""Calibrated probabilities, and thresholds that keep their guarantee."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import learning.calibrate
from darkroom.judge.calibration import Calibration, at_prior
from darkroom.judge.resnet import Output
from darkroom.taxonomy import DEFECTS
from learning.calibrate import FALSE_READABLE, calibrate
from learning.metrics import calibration_error


class Rows(dict):
    """The columns that `calibrate` reads, as `dataset.prepare_dataset` has them."""

    def __len__(self) -> int:
        return len(self["label"])


def case(n: int, seed: int, normal: float = 0.7, kinds: int = len(DEFECTS), twins: int = 1) -> tuple[Output, Rows]:
    """An overconfident network: its margin is three times what the data warrant. twins: rows of one group."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < normal).astype(int)
    margin = torch.tensor(3 * (np.where(y == 1, 1.0, -1.0) + 1.2 * rng.normal(size=n)), dtype=torch.float32)
    label = torch.stack([-margin / 2, margin / 2], 1)
    truth = (rng.random((n, len(DEFECTS))) < 0.3).astype(float)
    defects = torch.tensor(truth * 2 - 1 + rng.normal(size=(n, len(DEFECTS))), dtype=torch.float32)
    maps = torch.cat([label, defects], 1)[:, :, None, None].expand(-1, -1, 2, 2)
    groups = [str(i // twins) for i in range(n)]
    rows = Rows(label=y.tolist(), defects=truth[:, :kinds].tolist(), group=groups)
    return Output(label, defects, maps), rows


def p_normal(calibration: Calibration, output: Output) -> np.ndarray:
    label, defects, _ = (part.numpy() for part in output)
    return calibration.probabilities(DEFECTS, label, defects)["normal"]


MODEL = SimpleNamespace(defects=DEFECTS, calibration=None)


@pytest.mark.parametrize("n", [80, 1000])
def test_an_overconfident_network_is_brought_to_the_truth(n):
    calibration, _ = calibrate(*case(n, 0), DEFECTS, MODEL)
    output, rows = case(4000, 1)
    y = np.array(rows["label"])
    raw = output.label.double().softmax(1)[:, 1].numpy()
    fitted = p_normal(calibration, output)
    assert calibration_error(fitted, y) < 0.05 < calibration_error(raw, y)
    assert calibration_error(at_prior(fitted, calibration.prior, 0.5), y, prior=0.5) < 0.06


def test_the_label_has_its_share_whatever_the_kinds_would_get(monkeypatch):
    def weighed(share: float) -> float:
        monkeypatch.setattr(learning.calibrate, "LABEL_SHARE", share)
        fitted, _ = calibrate(*case(1500, 0), DEFECTS, MODEL)
        return fitted.slope["normal"] / fitted.sound

    assert weighed(0.8) == pytest.approx(4 * weighed(0.5), rel=1e-3)


def test_with_few_pictures_only_a_temperature_and_a_bias_are_fitted():
    before, _ = calibrate(*case(1500, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, _ = calibrate(*case(50, 3), (), known)
    assert after.slope["holes"] == before.slope["holes"]
    assert after.sound / after.slope["normal"] == pytest.approx(before.sound / before.slope["normal"])


def test_with_very_few_pictures_a_calibration_and_its_thresholds_stay():
    before, _ = calibrate(*case(1500, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, guarantee = calibrate(*case(16, 3), DEFECTS, known)
    assert after == before
    assert not guarantee["false_readable"]["promised"] and not guarantee["false_damaged"]["promised"]


def test_a_threshold_of_which_nothing_can_be_promised_stays():
    before, _ = calibrate(*case(1500, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, guarantee = calibrate(*case(120, 3), DEFECTS, known)
    assert guarantee["false_readable"]["promised"] and after.readable_above != before.readable_above
    after, guarantee = calibrate(*case(38, 3), DEFECTS, known)
    assert after.bias["normal"] != before.bias["normal"] and not guarantee["false_readable"]["promised"]
    assert (after.readable_above, after.damaged_below) == (before.readable_above, before.damaged_below)


def test_what_config_json_stores_is_what_was_fitted():
    calibration, _ = calibrate(*case(300, 0), DEFECTS, MODEL)
    output, _ = case(50, 2)
    again = Calibration.from_dict(calibration.to_dict())
    assert np.array_equal(p_normal(again, output), p_normal(calibration, output))


def test_few_of_the_damaged_are_called_readable_as_promised():
    kept = []
    for seed in range(10):
        calibration, guarantee = calibrate(*case(600, seed), DEFECTS, MODEL)
        assert guarantee["false_readable"]["promised"] and guarantee["false_readable"]["bound"] <= FALSE_READABLE
        output, rows = case(2000, 100 + seed)
        p = at_prior(p_normal(calibration, output), calibration.prior, 0.5)
        damaged = np.array(rows["label"]) == 0
        kept.append((p[damaged] >= calibration.readable_above).mean() <= FALSE_READABLE)
    assert np.mean(kept) >= 0.8  # promised with 95 % certainty each


def test_the_promise_counts_photographs_not_their_frames():
    _, alone = calibrate(*case(600, 0), DEFECTS, MODEL)
    _, twins = calibrate(*case(600, 0, twins=10), DEFECTS, MODEL)
    assert alone["false_damaged"]["count"] > 300 and twins["false_damaged"]["count"] == 60


def test_too_few_damaged_frames_are_no_basis_for_a_promise():
    calibration, guarantee = calibrate(*case(30, 0), DEFECTS, MODEL)
    assert guarantee["false_readable"]["promised"] is False and guarantee["false_readable"]["errors"] == 0
    assert calibration.damaged_below <= 0.5 <= calibration.readable_above


def test_frames_of_which_nobody_knows_the_kind_move_no_kind():
    output, rows = case(1000, 0)
    before, _ = calibrate(output, rows, DEFECTS, MODEL)
    known = len(rows["label"]) // 2
    rows["defects"] = [row if i < known else [np.nan] * len(DEFECTS) for i, row in enumerate(rows["defects"])]
    half, _ = calibrate(output, rows, DEFECTS, MODEL)
    assert 0 < abs(half.slope["holes"] - before.slope["holes"]) < 0.5 * before.slope["holes"]
    assert all(np.isfinite([*half.slope.values(), *half.bias.values()]))


def test_a_kind_that_the_data_do_not_label_keeps_its_calibration():
    before, _ = calibrate(*case(400, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, _ = calibrate(*case(300, 5, kinds=0), (), known)
    assert (after.slope["holes"], after.bias["holes"]) == (before.slope["holes"], before.bias["holes"])
    assert after.bias["normal"] != before.bias["normal"]
