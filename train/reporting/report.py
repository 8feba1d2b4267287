"""The report of a run in `runs/NAME/`: epochs, charts, figures and mistakes.

epochs.jsonl, curves.png, learning_rate.png and confusion/ grow with the run; report.json, predictions.csv and
report.html, a single file that opens offline, are written at its end.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from accelerate import Accelerator
from datasets import Dataset, DatasetDict
from jinja2 import Environment, FileSystemLoader

from darkroom.film.evidence import Evidence
from darkroom.judge.calibration import PRIOR
from darkroom.judge.record import Verdict, verdicts
from darkroom.judge.resnet import Output
from darkroom.judge.verdict import Judge, load
from darkroom.taxonomy import LABELS
from learning.dataset import SPLITS, defect_columns, open_picture
from learning.localisation import hits_by_kind
from learning.metrics import Readability, defect_precision
from reporting import charts, gallery

EVERY = 2  # epochs from one confusion matrix to the next
SHOWN = 6  # largest errors drawn in mistakes.png


class Report:
    """Writes in the main process; in the others it does nothing."""

    def __init__(self, folder: Path, data: DatasetDict, accelerator: Accelerator):
        self.folder, self.data, self.accelerator = folder, data, accelerator
        self.begun = json.loads((folder / "run.json").read_text())  # command and settings
        self.records: list[dict] = []
        accelerator.init_trackers(folder.name, {key: str(value) for key, value in self.begun["settings"].items()})

    def epoch(self, record: dict) -> None:
        """Write down one epoch."""
        self.records.append(record)
        if not self.accelerator.is_main_process:
            return
        # Rewritten each time: a run that was killed may have written an epoch that it then repeated.
        (self.folder / "epochs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in self.records))
        charts.curves(self.records, self.folder / "curves.png")
        charts.learning_rate(self.records, self.folder / "learning_rate.png")
        epoch = record["epoch"]
        if epoch % EVERY == 0:
            drawn = self.folder / "confusion" / f"epoch-{epoch:03d}.png"
            charts.confusion(record["confusion_matrix"], f"validation, epoch {epoch}", drawn)
        figures = {key: value for key, value in record.items() if isinstance(value, float)}
        self.accelerator.log(figures, step=epoch)
        shown = ("train_loss", "validation_loss", "accuracy", "f1", "balanced_accuracy", "auroc")
        said = ", ".join(f"{key.replace('_', ' ')} {record[key]:.3f}" for key in shown)
        print(f"epoch {epoch}: {said}, {record['images_per_second']} img/s", flush=True)

    def finish(
        self, outputs: dict[str, Output], ready: dict[str, Dataset], guarantee: dict, head_only: bool = False
    ) -> None:
        """Measure the model in `folder/model`, and write everything.

        outputs, ready: logits and rows of the splits that were not trained on. guarantee: of the thresholds, as
        `calibrate` gives it. head_only: whether the head alone was fitted.
        """
        judge = load(self.folder / "model")
        said = {split: _judged(judge, outputs[split], ready[split]) for split in outputs}
        judged = pd.concat([_table(said[split], split, ready[split]["label"]) for split in outputs])
        judged.to_csv(self.folder / "predictions.csv", index=False)
        split = list(outputs)[-1]  # test where there is one
        final = judged[judged["split"] == split].reset_index(drop=True)
        source = self.begun["settings"]["data"]
        facts = {
            "split": split,
            "head_only": head_only,
            "on_hub": bool(source) and not Path(source).is_dir(),
            "grouped": "group" in self.data["train"].column_names,
        }
        result = {**self.begun, **facts, **self._measured(judge, final, said[split], ready[split], guarantee)}
        (self.folder / "report.json").write_text(json.dumps(result, indent=2))
        (self.folder / "report.html").write_text(self._page(judge, final, result), encoding="utf-8")
        figures = result["figures"]
        print(
            f"{split}: balanced accuracy {figures['balanced_accuracy']:.3f}, AUROC {figures['auroc']:.3f}", flush=True
        )

    def _measured(self, judge: Judge, final: pd.DataFrame, said: list[Verdict], rows: Dataset, guarantee: dict) -> dict:
        metric = Readability(keep_in_memory=True)
        p, y = final["p_normal"].to_numpy(), final["label"].to_numpy()
        kinds = tuple(kind for kind in defect_columns(self.data["train"]) if kind in judge.model.defects)
        truth = np.array(rows["defects"]).reshape(len(rows), -1)
        best = min(self.records, key=lambda record: record["validation_loss"], default={"epoch": 0})
        return {
            "counts": {name: len(each) for name, each in self.data.items() if name in SPLITS},
            "epochs": len(self.records),
            "best_epoch": best["epoch"],
            "figures": metric.compute(predictions=p, references=y, prior=PRIOR, bootstrap=True),
            "always_normal": metric.compute(predictions=np.ones(len(y)), references=y, prior=PRIOR),
            "defects": defect_precision(final[list(kinds)].to_numpy(), truth, kinds),
            "heat_hits": hits_by_kind(np.stack([verdict.heat for verdict in said]), rows),
            "thresholds": {
                "prior": PRIOR,
                "readable_above": judge.calibration.readable_above,
                "damaged_below": judge.calibration.damaged_below,
                **guarantee,
            },
            "verdicts": {
                "false_readable": float((final.loc[y == 0, "verdict"] == "readable").mean()),
                "false_damaged": float((final.loc[y == 1, "verdict"] == "damaged").mean()),
                "check": float((final["verdict"] == "check").mean()),
            },
        }

    def _page(self, judge: Judge, final: pd.DataFrame, result: dict) -> str:
        p, y = final["p_normal"].to_numpy(), final["label"].to_numpy()
        drawn = {
            "confusion": charts.confusion(
                result["figures"]["confusion_matrix"], f"{result['split']}, final", self.folder / "confusion.png"
            ),
            "reliability": charts.reliability_diagram(p, y, PRIOR, self.folder / "reliability.png"),
            "coverage": charts.coverage_risk(
                p, y, (final["verdict"] != "check").to_numpy(), self.folder / "coverage_risk.png"
            ),
        }
        if self.records:
            drawn |= {name: self.folder / f"{name}.png" for name in ("curves", "learning_rate")}
        template = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
        mistakes = self._mistakes(judge, final, result["split"])
        if mistakes:
            largest = [
                (
                    f"labelled {each['given']}, P(normal) {each['p_normal']:.2f}",
                    {kind: each[kind] for kind in gallery.PICTURES},
                )
                for each in mistakes[:SHOWN]
            ]
            charts.mistakes(largest, self.folder / "mistakes.png")
        return template.get_template("report.html.jinja").render(
            name=self.folder.name,
            uri=gallery.uri,
            result=result,
            charts={key: gallery.chart(path) for key, path in drawn.items()},
            confusions=[gallery.chart(path) for path in sorted((self.folder / "confusion").glob("epoch-*.png"))],
            mistakes=mistakes,
            total=len(final),
        )

    def _mistakes(self, judge: Judge, final: pd.DataFrame, split: str) -> list[dict]:
        """Every picture on the wrong side of 0.5, largest error first, judged again as by scoring."""
        error = (final["p_normal"] - final["label"]).abs()
        wrong = final[(final["p_normal"] >= 0.5) != (final["label"] == 1)]
        found = []
        for index in error[wrong.index].sort_values(ascending=False, kind="stable").index:
            scan = open_picture(self.data[split][int(index)]["image"])
            verdict = judge.judge(scan)
            row = final.loc[index]
            found.append(
                {**row, "given": LABELS[row["label"]], "reason": verdict.reason, **gallery.frame(scan, verdict.heat)}
            )
        return found


def _judged(judge: Judge, output: Output, rows: Dataset) -> list[Verdict]:
    """The verdict of each row at `PRIOR`, as from scoring."""
    label, defects, maps = (part.float().numpy() for part in output)
    evidence = [Evidence(**measured) for measured in rows["evidence"]]
    return verdicts(rows["name"], evidence, (label, defects, maps), judge.model.defects, judge.calibration)


def _table(verdicts: list[Verdict], split: str, labels: list[int]) -> pd.DataFrame:
    """One row a picture: file, split, label, called, p_normal at `PRIOR`, verdict, P of each kind of damage."""
    return pd.DataFrame(
        {
            "file": verdict.file,
            "split": split,
            "label": label,
            "called": LABELS[int(verdict.p_normal >= 0.5)],
            "p_normal": verdict.p_normal,
            "verdict": verdict.verdict,
            **verdict.defects,
        }
        for verdict, label in zip(verdicts, labels, strict=True)
    )
