"""Probabilities that can be believed, and thresholds that keep what they promise."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from calibrate import calibrate, table
from darkroom.calibration import Calibration, at_prior, feature_names
from darkroom.evidence import Evidence
from darkroom.resnet import DEFECTS, Output
from metrics import calibration_error

EVIDENCE = Evidence.__dataclass_fields__


class Rows(dict):
    """The columns that `calibrate` reads, as `frames.prepare` has them."""

    def __len__(self) -> int:
        return len(self["label"])


def case(n: int, seed: int, normal: float = 0.7, kinds: int = 6) -> tuple[Output, Rows]:
    """An overconfident network: its margin is three times what the data warrant."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < normal).astype(int)
    margin = torch.tensor(3 * (np.where(y == 1, 1.0, -1.0) + 1.2 * rng.normal(size=n)), dtype=torch.float32)
    label = torch.stack([-margin / 2, margin / 2], 1)
    truth = (rng.random((n, 6)) < 0.3).astype(float)
    defects = torch.tensor(truth * 2 - 1 + rng.normal(size=(n, 6)), dtype=torch.float32)
    maps = torch.cat([label, defects], 1)[:, :, None, None].expand(-1, -1, 2, 2)
    measured = [dict(zip(EVIDENCE, rng.uniform(0.01, 0.5, len(EVIDENCE)), strict=True)) for _ in range(n)]
    for one in measured:
        one["cells"] = rng.normal(size=(6, 1, 1)).tolist()
    facts = {"label": y.tolist(), "defects": truth[:, :kinds].tolist(), "evidence": measured, "group": [*range(n)]}
    return Output(label, defects, maps), Rows(facts)


def p_normal(calibration: Calibration, output: Output, rows: Rows) -> np.ndarray:
    found = calibration.probabilities(table(output, rows), feature_names(DEFECTS))
    return found["normal"]


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
    few, told = calibrate(*case(60, 0), DEFECTS, MODEL)
    assert told["features"] == ["label margin"] and sum(w != 0 for w in few.weights["normal"]) == 1
    _, told = calibrate(*case(1500, 0), DEFECTS, MODEL)
    assert told["features"] == ["label margin", "no defect"]


def test_with_few_pictures_what_another_calibration_made_of_the_evidence_is_kept():
    before, _ = calibrate(*case(1500, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, told = calibrate(*case(60, 3), DEFECTS, known)
    assert told["features"] == ["label margin", "no defect"]
    output, rows = case(200, 4)
    old, new = (np.log(p / (1 - p)) for p in (p_normal(c, output, rows) for c in (before, after)))
    assert np.corrcoef(old, new)[0, 1] > 0.9999  # another temperature and bias, nothing else


def test_what_config_json_stores_is_what_was_fitted():
    calibration, _ = calibrate(*case(300, 0), DEFECTS, MODEL)
    output, rows = case(50, 2)
    again = Calibration.from_dict(calibration.to_dict())
    assert np.array_equal(p_normal(again, output, rows), p_normal(calibration, output, rows))


def test_few_of_the_damaged_are_called_readable_as_promised():
    kept = []
    for seed in range(20):
        calibration, told = calibrate(*case(600, seed), DEFECTS, MODEL)
        assert told["false_readable"]["promised"] and told["false_readable"]["bound"] <= 0.05
        output, rows = case(4000, 100 + seed)
        p = at_prior(p_normal(calibration, output, rows), calibration.prior, 0.5)
        damaged = np.array(rows["label"]) == 0
        kept.append((p[damaged] >= calibration.readable_above).mean() <= 0.05)
    assert np.mean(kept) >= 0.85  # promised with 95 % certainty each


def test_the_promise_counts_photographs_not_frames():
    output, rows = case(600, 0)
    rows["group"] = [i // 20 for i in range(600)]
    _, told = calibrate(output, rows, DEFECTS, MODEL)
    assert told["false_readable"]["count"] == 30 and told["false_readable"]["promised"] is False


def test_too_few_damaged_frames_are_no_basis_for_a_promise():
    calibration, told = calibrate(*case(100, 0), DEFECTS, MODEL)
    assert told["false_readable"]["promised"] is False and told["false_readable"]["errors"] == 0
    assert calibration.damaged_below <= 0.5 <= calibration.readable_above


def test_a_kind_that_the_data_do_not_label_keeps_its_calibration():
    before, _ = calibrate(*case(400, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    after, _ = calibrate(*case(300, 5, kinds=0), (), known)
    output, rows = case(40, 6)
    old, new = (c.probabilities(table(output, rows), feature_names(DEFECTS)) for c in (before, after))
    assert np.allclose(old["holes"], new["holes"], atol=1e-9)
    assert not np.allclose(old["normal"], new["normal"], atol=1e-3)


def test_what_the_network_sees_is_believed_less_than_what_is_measured():
    output, rows = case(1500, 0)
    seen = output.maps[:, 2:, 0, 0].numpy()
    for one, peaks in zip(rows["evidence"], seen, strict=True):
        one["cells"] = peaks[:, None, None].tolist()  # they say the same
    columns, weights = feature_names(DEFECTS), calibrate(output, rows, DEFECTS, MODEL)[0].weights
    for kind in DEFECTS:
        network, trace = (weights[kind][columns.index(f"{kind} {part}")] for part in ("peak", "trace"))
        assert 0 < 3 * network < trace


def blind_case(n: int, seed: int) -> tuple[Output, Rows]:
    """A network whose label knows of all damage but underexposure, which the measurements know."""
    output, rows = case(n, seed)
    rng = np.random.default_rng(seed + 1000)
    noise, other = rng.random(n) < 0.2, rng.random(n) < 0.3
    margin = torch.tensor(np.where(other, -1.5, 1.5) + rng.normal(size=n), dtype=torch.float32)
    damage = np.zeros((n, 6))
    damage[:, DEFECTS.index("noise")], damage[:, DEFECTS.index("holes")] = noise, other
    for one, there in zip(rows["evidence"], noise, strict=True):
        one["cells"] = rng.normal(size=(6, 1, 1))
        one["cells"][DEFECTS.index("noise")] += 2 if there else -2
    rows |= {"label": (~(noise | other)).astype(int).tolist(), "defects": damage.tolist()}
    return Output(torch.stack([-margin / 2, margin / 2], 1), *output[1:]), rows


def test_a_label_that_does_not_know_of_underexposure_has_no_say_in_it():
    calibration, told = calibrate(*blind_case(1500, 0), DEFECTS, MODEL)
    assert calibration.apart == ("noise",) and told["features"] == ["label margin", "no defect", "no noise"]
    output, rows = blind_case(4000, 7)
    y, p = np.array(rows["label"]), p_normal(calibration, output, rows)
    assert calibration_error(p, y) < 0.05
    vouched = (output.label[:, 1] - output.label[:, 0]).numpy() > 2
    thin = np.array(rows["defects"])[:, DEFECTS.index("noise")] == 1
    assert np.median(p[vouched & thin]) < 0.15 and np.median(p[vouched & ~thin]) > 0.85


def test_underexposure_that_people_call_readable_is_weighed_with_the_rest():
    output, rows = blind_case(600, 0)
    rows["label"][next(i for i, row in enumerate(rows["defects"]) if row[DEFECTS.index("noise")])] = 1
    assert calibrate(output, rows, DEFECTS, MODEL)[0].apart == ()


def test_underexposure_that_is_the_only_damage_leaves_the_rest_nothing_to_learn():
    output, rows = blind_case(600, 0)
    rows["label"] = [int(row[DEFECTS.index("noise")] == 0) for row in rows["defects"]]
    calibration, _ = calibrate(output, rows, DEFECTS, MODEL)
    assert calibration.apart == () and calibration.sound > 0


def test_what_was_apart_stays_so_where_the_data_do_not_label_it():
    before, _ = calibrate(*blind_case(1500, 0), DEFECTS, MODEL)
    known = SimpleNamespace(defects=DEFECTS, calibration=before.to_dict())
    assert calibrate(*case(300, 5, kinds=0), (), known)[0].apart == ("noise",)


def test_frames_told_twice_say_no_more():
    """The ridge stands for how far simulated frames are believed; it is not outvoted by simulating more of them."""
    output, rows = case(2000, 3)
    twice = Output(*(torch.cat([part, part]) for part in output)), Rows({key: each * 2 for key, each in rows.items()})
    once, again = (calibrate(*data, DEFECTS, MODEL)[0] for data in ((output, rows), twice))
    for kind in DEFECTS:
        np.testing.assert_allclose(again.weights[kind], once.weights[kind], atol=1e-3)
