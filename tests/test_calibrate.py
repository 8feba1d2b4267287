"""Probabilities that can be trusted, and thresholds that keep what they promise."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from calibrate import calibrate, spans
from darkroom.calibration import Calibration, at_prior
from darkroom.resnet import DEFECTS, Output
from metrics import calibration_error


class Rows(dict):
    """The columns that `calibrate` reads, as `frames.prepare` has them."""

    def __len__(self) -> int:
        return len(self["label"])


def case(n: int, seed: int, normal: float = 0.7, kinds: int = len(DEFECTS), twins: int = 1) -> tuple[Output, Rows]:
    """An overconfident network: its margin is three times what the data warrant. twins: rows of one group."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < normal).astype(int)
    margin = torch.tensor(3 * (np.where(y == 1, 1.0, -1.0) + 1.2 * rng.normal(size=n)), dtype=torch.float32)
    label = torch.stack([-margin / 2, margin / 2], 1)
    truth = (rng.random((n, len(DEFECTS))) < 0.3).astype(float)
    defects = torch.tensor(truth * 2 - 1 + rng.normal(size=truth.shape), dtype=torch.float32)
    maps = torch.cat([label, defects], 1)[:, :, None, None].expand(-1, -1, 2, 2)
    measured = [{"density_span": float(span)} for span in rng.uniform(0.2, 1.2, n)]
    groups = [str(i // twins) for i in range(n)]
    rows = Rows(label=y.tolist(), defects=truth[:, :kinds].tolist(), evidence=measured, group=groups)
    return Output(label, defects, maps), rows


def p_normal(calibration: Calibration, output: Output, rows: Rows) -> np.ndarray:
    label, defects, _ = (part.numpy() for part in output)
    return calibration.probabilities(DEFECTS, label, defects, spans(rows))["normal"]


MODEL = SimpleNamespace(defects=DEFECTS, calibration=None)


@pytest.mark.parametrize("n", [80, 1000])
def test_an_overconfident_network_is_brought_to_the_truth(n):
    calibration, _ = calibrate(*case(n, 0), DEFECTS, MODEL)
    output, rows = case(4000, 1)
    y = np.array(rows["label"])
    raw = output.label.double().softmax(1)[:, 1].numpy()
    fitted = p_normal(calibration, output, rows)
    assert calibration_error(fitted, y) < 0.05 < calibration_error(raw, y)
    assert calibration_error(at_prior(fitted, calibration.prior, 0.5), y, prior=0.5) < 0.06


def test_with_few_pictures_only_a_temperature_and_a_bias_are_fitted():
    before, _ = calibrate(*case(1500, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, _ = calibrate(*case(50, 3), (), known)
    assert after.slope["holes"] == before.slope["holes"]
    assert after.sound / after.slope["normal"] == pytest.approx(before.sound / before.slope["normal"])


def test_what_config_json_stores_is_what_was_fitted():
    calibration, _ = calibrate(*case(300, 0), DEFECTS, MODEL)
    output, rows = case(50, 2)
    again = Calibration.from_dict(calibration.to_dict())
    assert np.array_equal(p_normal(again, output, rows), p_normal(calibration, output, rows))


def test_few_of_the_damaged_are_called_readable_as_promised():
    kept = []
    for seed in range(10):
        calibration, promise = calibrate(*case(600, seed), DEFECTS, MODEL)
        assert promise["false_readable"]["promised"] and promise["false_readable"]["bound"] <= 0.10
        output, rows = case(2000, 100 + seed)
        p = at_prior(p_normal(calibration, output, rows), calibration.prior, 0.5)
        damaged = np.array(rows["label"]) == 0
        kept.append((p[damaged] >= calibration.readable_above).mean() <= 0.10)
    assert np.mean(kept) >= 0.8  # promised with 95 % certainty each


def test_the_promise_counts_photographs_not_their_frames():
    _, alone = calibrate(*case(600, 0), DEFECTS, MODEL)
    _, twins = calibrate(*case(600, 0, twins=10), DEFECTS, MODEL)
    assert alone["false_damaged"]["count"] > 300 and twins["false_damaged"]["count"] == 60


def test_too_few_damaged_frames_are_no_basis_for_a_promise():
    calibration, promise = calibrate(*case(60, 0), DEFECTS, MODEL)
    assert promise["false_readable"]["promised"] is False and promise["false_readable"]["errors"] == 0
    assert calibration.damaged_below <= 0.5 <= calibration.readable_above


def test_a_kind_that_the_data_do_not_label_keeps_its_calibration():
    before, _ = calibrate(*case(400, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, _ = calibrate(*case(300, 5, kinds=0), (), known)
    assert (after.slope["holes"], after.bias["holes"]) == (before.slope["holes"], before.bias["holes"])
    assert after.bias["normal"] != before.bias["normal"]


def test_underexposure_that_the_label_does_not_see_is_found_by_the_density_span():
    def blind(n: int, seed: int) -> tuple[Output, Rows]:
        output, rows = case(n, seed)
        rng = np.random.default_rng(seed + 1000)
        thin = rng.random(n) < 0.3
        damage = np.zeros((n, len(DEFECTS)))
        damage[:, DEFECTS.index("noise")] = thin
        span = np.where(thin, rng.uniform(0.03, 0.15, n), rng.uniform(0.3, 1.2, n))
        rows |= {
            "label": (~thin).astype(int).tolist(),
            "defects": damage.tolist(),
            "evidence": [{"density_span": float(each)} for each in span],
        }
        noise = torch.tensor(rng.normal(size=damage.shape), dtype=torch.float32)
        return Output(torch.zeros(n, 2), noise, output[2]), rows

    calibration, _ = calibrate(*blind(1500, 0), DEFECTS, MODEL)
    output, rows = blind(1000, 7)
    p, y = p_normal(calibration, output, rows), np.array(rows["label"])
    assert calibration.span < 0 and np.median(p[y == 0]) < 0.1 and np.median(p[y == 1]) > 0.9
