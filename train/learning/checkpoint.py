"""Checkpoints that survive a kill at any moment.

A checkpoint is one folder, `RUN/checkpoints/epoch-0007`: Accelerate's state (weights, optimiser, random numbers) beside
the averaged weights, the best weights so far and `progress.json`. It is written under a temporary name and renamed
when complete, so that an incomplete one is never found.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from accelerate import Accelerator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

PART = "part"
FREE = ("resume", "epochs", "name", "report_to", "push_to_hub")  # arguments that may differ when a run is resumed


class RunError(RuntimeError):
    """The run cannot start, be resumed or be written; the message says why."""


@dataclass
class Progress:
    """Where a run stands after its last finished epoch."""

    epoch: int = 0  # epochs finished
    best_epoch: int = 0
    best_loss: float = float("inf")
    history: list[dict] = field(default_factory=list)  # one record an epoch
    plateau: dict = field(default_factory=dict)  # state of ReduceLROnPlateau


def claim(runs: Path, args: argparse.Namespace, processes: int) -> Path:
    """Make the folder of this run and store its arguments there. Raises RunError.

    Without --name it is called after the data and numbered; --resume then means the latest of that name.
    """
    settings = {key: value for key, value in vars(args).items() if key not in FREE} | {"processes": processes}
    stem = Path(args.data or "simulated").name
    numbers = [int(tail) for p in runs.glob(f"{stem}-*") if (tail := p.name[len(stem) + 1 :]).isdigit()]
    folder = runs / (args.name or f"{stem}-{max(numbers, default=0) + (not args.resume or not numbers)}")
    marked = folder / "run.json"
    if marked.exists():
        if not args.resume:
            raise RunError(f"{folder} is there already: go on with it by --resume, or give another --name")
        before = json.loads(marked.read_text())["settings"]
        changed = [key for key in settings if settings[key] != before.get(key)]
        if changed:
            had = ", ".join(f"--{key.replace('_', '-')} {before.get(key)}" for key in changed)
            raise RunError(f"{folder} was begun with other settings and cannot go on: it had {had}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        whole = folder / "run.json.part"
        whole.write_text(json.dumps({"settings": settings, "command": shlex.join(sys.argv)}, indent=2))
        os.replace(whole, marked)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror})") from None
    return folder


def release(folder: Path) -> None:
    """Remove the folder of a run that failed before it wrote a checkpoint, an epoch or a model, so that a corrected
    command can use its name."""
    if not any((folder / kept).exists() for kept in ("checkpoints", "epochs.jsonl", "model")):
        shutil.rmtree(folder)


def save(
    accelerator: Accelerator, run: Path, progress: Progress, averaged: dict[str, Tensor], best: dict[str, Tensor]
) -> None:
    """Write the checkpoint of `progress.epoch`, then drop the older one. Raises RunError where it cannot be written."""
    folder = run / "checkpoints"
    part, whole = folder / PART, folder / f"epoch-{progress.epoch:04d}"
    try:
        if accelerator.is_main_process:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(part))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            save_file(averaged, part / "averaged.safetensors")
            save_file(best, part / "best.safetensors")
            (part / "progress.json").write_text(json.dumps(asdict(progress)))
            part.rename(whole)
            for older in folder.glob("epoch-*"):
                if older != whole:
                    shutil.rmtree(older)
    # torch and safetensors wrap the system's error.
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        reason, free = str(error).splitlines()[0], shutil.disk_usage(run).free / 1e6
        raise RunError(
            f"{whole}: the checkpoint cannot be written ({reason}). {free:.0f} MB are free there; "
            "make room or make the folder writable, then go on with --resume"
        ) from None


def newest(run: Path) -> Path | None:
    """The last whole checkpoint of a run."""
    return max((run / "checkpoints").glob("epoch-*"), default=None)


def restore(accelerator: Accelerator, folder: Path) -> tuple[Progress, dict[str, Tensor], dict[str, Tensor]]:
    """Load a checkpoint into the prepared objects. Returns its progress, averaged and best weights."""
    accelerator.load_state(str(folder))
    progress = Progress(**json.loads((folder / "progress.json").read_text()))
    return progress, load_file(folder / "averaged.safetensors"), load_file(folder / "best.safetensors")
