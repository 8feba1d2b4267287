"""Train a model on labelled negatives, evaluate it, and write it for `darkroom`, with a report.

    accelerate launch train/run.py                                     # on negatives that it simulates
    accelerate launch train/run.py --data data/mine --init space/weights

Everything goes into `runs/NAME/`; docs/training.md lists the files and shows how to use several devices or machines.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.utils import broadcast_object_list, set_seed
from datasets import concatenate_datasets

from darkroom.hub.weights import WeightsError
from darkroom.judge.resnet import STAGES
from learning.calibrate import calibrate
from learning.checkpoint import RunError, claim, release
from learning.dataset import CELLS_COLUMN, SPLITS, DataError, defect_columns, open_dataset, prepare_dataset
from learning.head import FEW, fit_head, seen
from learning.model import blended, fast_bfloat16, initial_model, portable, save_model
from learning.objective import balance
from learning.predict import predict
from learning.trainer import train_model
from publish import PublishError, check, publish_trained
from reporting.report import Report
from simulate import simulated

RUNS = Path("runs")
BLOCKS = sum(count for count, _ in STAGES)  # residual blocks


def start(args: argparse.Namespace) -> Accelerator:
    """The Accelerator, with bfloat16 where that is fast.

    Raises RunError where the arguments cannot be met.
    """
    for tracker in args.report_to or []:  # Accelerate silently leaves out one that is missing
        if find_spec(tracker) is None:
            raise RunError(f"--report-to {tracker}: it is not installed; pip install {tracker}")
    accelerator = Accelerator(
        mixed_precision="bf16" if fast_bfloat16() else "no",
        gradient_accumulation_steps=args.accumulate,
        # The batch is split over the processes, so that the same learning rate suits any number of them.
        dataloader_config=DataLoaderConfiguration(split_batches=True, use_seedable_sampler=True, data_seed=args.seed),
        log_with=args.report_to,
        project_dir=RUNS,
    )
    if not args.epochs and not args.init:
        raise RunError("--epochs 0 calibrates a model without training it: name the model with --init")
    if not 0 <= args.blend < 1 or (args.blend and not args.init):
        raise RunError("--blend is the share of the model of --init in the result: a number from 0 to below 1")
    if args.batch_size % accelerator.num_processes:
        raise RunError(f"--batch-size {args.batch_size} cannot be split over {accelerator.num_processes} processes")
    return accelerator


def run(args: argparse.Namespace) -> Path:
    """One whole run. Returns its folder. Raises DataError, RunError, WeightsError or PublishError."""
    accelerator = start(args)
    if args.push_to_hub:
        check(args.push_to_hub)  # before hours of training
    claimed = [claim(RUNS, args, accelerator.num_processes) if accelerator.is_main_process else None]
    [folder] = broadcast_object_list(claimed)
    set_seed(args.seed)
    try:
        with accelerator.main_process_first():
            data = open_dataset(args.data or simulated(Path("data/simulated")))
            kinds = defect_columns(data["train"])
            if args.crop and CELLS_COLUMN not in data["train"].column_names:
                raise DataError(f"--crop {args.crop} needs maps of the damage, which {args.data} does not have")
            model = initial_model(args.init, kinds, args.input_size)
            ready = {split: prepare_dataset(data[split], model.input_size) for split in SPLITS if split in data}
        report = Report(folder, data, accelerator)
        if args.freeze is None:
            args.freeze = BLOCKS if args.init and len(ready["train"]) < FEW else 0
        begun, head_only = model.to(accelerator.device), args.epochs and args.freeze == BLOCKS
        if head_only:
            accelerator.print(f"{len(ready['train'])} frames: the head alone is fitted; --freeze 0 trains all blocks")
            inputs = {split: seen(accelerator, begun, rows) for split, rows in ready.items()}
            model = fit_head(begun, inputs["train"], ready["train"], kinds).to(accelerator.device)
        elif args.epochs:
            start_weights = portable(model)
            model = train_model(accelerator, model, ready["train"], ready["validation"], args, report.epoch, folder)
            model = blended(model, start_weights, args.blend)
    except Exception:
        if accelerator.is_main_process:
            release(folder)
        raise
    if not args.epochs:  # calibration only: the train split is as new to the model as the validation split
        ready["validation"] = concatenate_datasets([ready["train"], ready["validation"]])
        data["validation"] = concatenate_datasets([data["train"], data["validation"]])

    weights, held_out = balance(ready["train"]["label"]).to(accelerator.device), [s for s in ready if s != "train"]
    outputs = {s: predict(accelerator, model, ready[s], weights)[0] for s in held_out}
    if accelerator.is_main_process:
        calibration, guarantee = calibrate(outputs["validation"], ready["validation"], kinds, model)
        save_model(model, calibration.to_dict(), folder / "model")
        report.finish(outputs, ready, guarantee, head_only=bool(head_only))
        if head_only:  # measured; now the few frames that it was measured on teach it too
            rows = concatenate_datasets([*ready.values()])
            model = fit_head(begun, np.concatenate([*inputs.values()]), rows, kinds)
            save_model(model, calibration.to_dict(), folder / "model")
    accelerator.wait_for_everyone()
    accelerator.end_training()
    if args.push_to_hub and accelerator.is_main_process:
        publish_trained(folder, args.push_to_hub)
    return folder


def arguments() -> argparse.Namespace:
    """What the command understands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--data",
        help="folder made by train/data.py or train/simulate.py, or a data set on the Hub; "
        "without it, simulated negatives",
    )
    add("--name", help="folder below runs/ for everything that this run writes; data's name and a number if not given")
    add("--init", help="folder or Hub id of a model to continue from")
    add("--resume", action="store_true", help="go on with a run that was broken off; same arguments otherwise")
    add("--epochs", type=int, default=10, help="0 with --init: only another calibration, on data new to that model")
    add("--patience", type=int, default=5, help="stop after so many epochs without a lower validation loss")
    add("--batch-size", type=int, default=32, help="pictures a step, over all processes")
    add("--accumulate", type=int, default=1, help="steps whose gradients are added up")
    add("--lr", type=float, help="learning rate of AdamW: 1e-3, with --init 2e-4")
    add(
        "--freeze",
        type=int,
        metavar="BLOCKS",
        help=f"how many of the {BLOCKS} residual blocks stay as they are; {BLOCKS}: the head alone is fitted, without "
        f"epochs, as it is with --init and fewer than {FEW} frames to train on; else 0",
    )
    add("--blend", type=float, default=0.0, metavar="SHARE", help="share of --init's weights in those that are saved")
    add("--crop", type=int, default=0, metavar="PIXELS", help="train on squares cut out of the frames; 0: whole frames")
    add("--input-size", type=int, help="long side in pixels of what the network sees: 288, with --init that model's")
    add("--seed", type=int, default=0)
    add("--report-to", action="append", choices=["tensorboard", "wandb"], help="follow the run there too")
    add("--push-to-hub", metavar="USER/NAME", help="publish the model there when the run has ended")
    args = parser.parse_args()
    args.lr = args.lr or (2e-4 if args.init else 1e-3)
    return args


if __name__ == "__main__":
    try:
        print(f"{run(arguments())}/report.html")
    except (DataError, RunError, WeightsError, PublishError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
