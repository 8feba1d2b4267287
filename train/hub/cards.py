"""The cards of a model and of a data set, filled from what was measured; no figure is typed by hand."""

import json
import shlex
from pathlib import Path

from huggingface_hub import DatasetCardData, EvalResult, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from learning.intervals import clopper_pearson

ROOT = Path(__file__).resolve().parents[2]
LICENCES = {  # name in the list of sources: name on the Hub
    "CC0 1.0": "cc0-1.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "MIT": "mit",
    "Apache 2.0": "apache-2.0",
    "Public domain": "pddl",
}
METRICS = {  # of a report: (the Hub's name of the metric, words)
    "balanced_accuracy": ("balanced_accuracy", "Balanced accuracy"),
    "accuracy": ("accuracy", "Accuracy"),
    "f1": ("f1", "F1 of readable"),
    "precision": ("precision", "Precision of readable"),
    "recall": ("recall", "Recall of readable"),
    "recall_damaged": ("recall", "Recall of damaged"),
    "auroc": ("roc_auc", "AUROC"),
    "ece": ("expected_calibration_error", "Expected calibration error"),
}


class CardError(ValueError):
    """A card cannot be filled; the message says what is missing."""


def model_card(run: Path, repo: str, pictures: list[str]) -> str:
    """The card of a run's model. run: with report.json and epochs.jsonl. pictures: paths within the repository.

    Raises CardError.
    """
    try:
        report = json.loads((run / "report.json").read_text())
        training, epochs = _training(run, report)
    except (FileNotFoundError, ValueError) as error:
        raise CardError(f"{run}: the run is not finished, its report cannot be read ({error})") from None
    settings, figures = report["settings"], report["figures"]
    data = public_name(settings["data"]) if settings["data"] else "simulated colour negatives"
    measured = [(words, figures[name], figures["intervals"][name], name) for name, (_, words) in METRICS.items()]
    defects = {
        kind: found for kind, found in report["defects"].items() if found
    }  # None: the split has none of that kind
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Is a colour negative readable?",
            dataset_type=data if report["on_hub"] else "imagefolder",
            dataset_name=data,
            dataset_split=report["split"],
            metric_type=METRICS[name][0],
            metric_name=f"{words} (95 % interval {low:.3f}–{high:.3f})",
            metric_value=round(value, 4),
        )
        for words, value, (low, high), name in measured
    ]
    described = ModelCardData(
        license="apache-2.0",
        library_name="pytorch",
        pipeline_tag="image-classification",
        tags=["photography", "film", "negative", "resnet", "safetensors", "onnx", "pytorch_model_hub_mixin"],
        datasets=[data] if report["on_hub"] else None,
        metrics=sorted({metric for metric, _ in METRICS.values()}),
        model_name=repo.split("/")[-1],
        eval_results=results,
    )
    return _render(
        "model_card",
        yaml=described.to_yaml(),
        repo=repo,
        data=data,
        init=public_name(settings["init"]) if settings["init"] else None,
        command=_public(report["command"]),
        config=json.loads((run / "model/config.json").read_text()),
        measured=[
            {"words": words, "value": value, "low": low, "high": high, "always": report["always_normal"][name]}
            for words, value, (low, high), name in measured
        ],
        minutes=sum(training["counts"]["train"] / e["images_per_second"] for e in epochs) / 60,
        report=report,
        training=training,
        public=_public,
        settings=settings,
        defects=defects,
        hits={
            kind: _share(report["heat_hits"][kind], found["count"])
            for kind, found in defects.items()
            if kind in report["heat_hits"]
        },
        pictures=pictures,
    )


def dataset_card(described: DatasetCardData, **facts: object) -> str:
    """The card of a data set; `described` becomes its YAML, the template names the facts."""
    return _render("dataset_card", yaml=described.to_yaml(), **facts)


def public_name(argument: str) -> str:
    """An argument of a command without this machine's folders: the Hub id, or the last part of a path."""
    option, equals, value = argument.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={public_name(value)}"
    path = Path(argument)
    return path.name if path.is_absolute() or argument.startswith(("~", "..")) else argument


def _public(command: str) -> str:
    """A command without this machine's folders."""
    return " ".join(map(public_name, shlex.split(command)))


def _training(run: Path, report: dict) -> tuple[dict | None, list[dict]]:
    """The report of the run that trained the network, and its epochs: for a run that only calibrated,
    those of the run that trained its initial model, if that is here; else None and no epochs."""
    if not report["epochs"]:
        run = Path(report["settings"]["init"]).parent
        if not (run / "report.json").is_file():
            return None, []
        report = json.loads((run / "report.json").read_text())
    return report, [json.loads(line) for line in (run / "epochs.jsonl").read_text().splitlines()]


def _share(rate: float, count: int) -> str:
    """A share of `count`, with its exact 95 % interval."""
    low, high = clopper_pearson(round(rate * count), count)
    return f"{100 * rate:.0f} % ({100 * low:.0f}–{100 * high:.0f} %)"


def _render(card: str, **facts: object) -> str:
    """Fill `card`/README.md; a fact that is missing is an error, not a blank."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / card), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    return templates.get_template("README.md").render(**facts)
