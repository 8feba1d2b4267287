"""Train the judge of negatives, measure it, and write a model that `darkroom` loads, with a report.

    accelerate launch train/run.py                                     # on negatives that it simulates
    accelerate launch train/run.py --data data/mine --init space/weights

Everything goes into `runs/NAME/`; docs/training.md tells what is there, and how to use several devices or machines.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.utils import broadcast, broadcast_object_list, set_seed
from datasets import Dataset, concatenate_datasets
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from tqdm import tqdm

from darkroom.hub.weights import WeightsError
from darkroom.judge.resnet import ResNet18, to_float
from learning.augment import augment
from learning.calibrate import calibrate
from learning.checkpoint import Progress, RunError, claim, newest, release, restore, save
from learning.frames import CELLS, COLUMNS, SPLITS, DataError, collate, defect_columns, load, prepare
from learning.metrics import Readability
from learning.model import begin, fast_bfloat16, finish, portable
from learning.objective import balance, losses
from learning.predict import p_normal, predict
from publish import PublishError, check, publish_trained
from reporting.report import Report
from simulate import simulated

RUNS = Path("runs")
WARM_UP = 100  # steps, at most the first epoch, over which the learning rate rises to its value
WEIGHT_DECAY = 0.05
SMOOTHING = 0.05  # of the label: what is readable is a judgement, and people differ


def start(args: argparse.Namespace) -> Accelerator:
    """The Accelerator, with bfloat16 where that is fast.

    Raises RunError where the arguments cannot be met.
    """
    for tracker in args.report_to or []:  # Accelerate leaves one out without a word
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
    if args.batch_size % accelerator.num_processes:
        raise RunError(f"--batch-size {args.batch_size} cannot be split over {accelerator.num_processes} processes")
    return accelerator


def averaging(average: torch.Tensor, current: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Exponential moving average whose memory grows with the run, so that a short run is not held at its start."""
    if not average.is_floating_point():
        return current
    return average.lerp(current, 1 - min(0.998, (1 + int(count)) / (10 + int(count))))


def fit(
    accelerator: Accelerator,
    model: ResNet18,
    train: Dataset,
    validation: Dataset,
    args: argparse.Namespace,
    told: Callable[[dict], None],
    folder: Path | None = None,
) -> ResNet18:
    """Train until `args.epochs`, or until the validation loss has not fallen for `args.patience` epochs.

    train, validation: as `frames.prepare` gives them. told: hears the record of every epoch, of earlier ones too where
    a run goes on. folder: keeps checkpoints, and goes on from the newest there; None keeps none.
    Returns the moving average of the weights as it was when the validation loss was lowest.
    """
    device, progress = accelerator.device, Progress()
    train = train.select_columns(COLUMNS)
    model = model.to(device, memory_format=torch.channels_last)
    frozen = nn.Sequential(model.stem, *model.blocks[: args.freeze]) if args.freeze else nn.Sequential()
    frozen.requires_grad_(False)
    averaged = AveragedModel(model, avg_fn=averaging, use_buffers=True)
    best = portable(averaged.module)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=args.lr, weight_decay=WEIGHT_DECAY)
    cut = partial(collate, side=args.crop, kinds=model.defects)
    trained, optimizer, loader = accelerator.prepare(
        model, optimizer, DataLoader(train, args.batch_size, shuffle=True, collate_fn=cut)
    )
    plateau = ReduceLROnPlateau(optimizer.optimizer, factor=0.3, patience=2)
    weights = balance(train["label"]).to(device)  # the rarer label counts as much as the other
    if folder and (checkpoint := newest(folder)):
        progress, state, best = restore(accelerator, checkpoint)
        averaged.load_state_dict(state)
        plateau.load_state_dict(progress.plateau)
        for record in progress.history:
            told(record)

    while progress.epoch < args.epochs and progress.epoch - progress.best_epoch < args.patience:
        epoch, began, total, seen = progress.epoch + 1, time.perf_counter(), 0.0, 0
        set_seed(1000 * args.seed + epoch, device_specific=True)  # another augmentation each epoch and process
        loader.set_epoch(epoch)
        trained.train()
        frozen.eval()  # its statistics stay too
        bar = tqdm(total=len(train), unit="img", desc=f"epoch {epoch}", disable=not accelerator.is_main_process)
        for step, batch in enumerate(loader):
            if epoch == 1:
                for group in optimizer.param_groups:
                    group["lr"] = args.lr * min(1, (step + 1) / min(WARM_UP, len(loader)))
            with accelerator.accumulate(trained):
                pictures, batch["cells"] = augment(to_float(batch["pixels"]), batch["cells"])
                output = trained(pictures.contiguous(memory_format=torch.channels_last), batch["span"])
                loss = losses(output, batch, kinds=model.defects, weights=weights, smoothing=SMOOTHING).mean()
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                averaged.update_parameters(model)
            total, seen = total + loss.item() * len(pictures), seen + len(pictures)
            bar.set_postfix(loss=f"{total / seen:.3f}", lr=f"{optimizer.param_groups[0]['lr']:.1e}", refresh=False)
            bar.update(min(len(pictures) * accelerator.num_processes, len(train) - bar.n))
        bar.close()
        total, seen = accelerator.reduce(torch.tensor([total, seen], device=device)).tolist()
        if not math.isfinite(total):
            if not progress.epoch:
                raise RunError(f"epoch 1: the loss is no number; nothing was learnt. Try a lower --lr than {args.lr:g}")
            print(
                f"epoch {epoch}: the loss is no number; training ends with the weights of epoch {progress.best_epoch}. "
                f"Try a lower --lr than {args.lr:g}",
                file=sys.stderr,
            )
            break
        for tensor in averaged.module.state_dict().values():  # each process has batch statistics of its own
            tensor.copy_(broadcast(tensor))

        output, loss = predict(accelerator, averaged.module, validation, weights)
        figures = Readability(keep_in_memory=True).compute(predictions=p_normal(output), references=validation["label"])
        record = {
            "epoch": epoch,
            "train_loss": total / seen,
            "validation_loss": float(loss.mean()),
            "learning_rate": optimizer.param_groups[0]["lr"],
            **figures,
            "images_per_second": round(len(train) / (time.perf_counter() - began), 1),
        }
        plateau.step(record["validation_loss"])
        progress.epoch, progress.plateau = epoch, plateau.state_dict()
        progress.history.append(record)
        if record["validation_loss"] < progress.best_loss:
            progress.best_epoch, progress.best_loss = epoch, record["validation_loss"]
            best = portable(averaged.module)
        if folder:
            save(accelerator, folder, progress, portable(averaged), best)
        told(record)
    averaged.module.load_state_dict(best)
    return averaged.module.half().float()  # rounded as it will be stored: what is measured is what is published


def run(args: argparse.Namespace) -> Path:
    """One whole run. Returns its folder. Raises DataError, RunError, WeightsError or PublishError."""
    accelerator = start(args)
    if args.push_to_hub:
        check(args.push_to_hub)  # not after hours of training
    claimed = [claim(RUNS, args, accelerator.num_processes) if accelerator.is_main_process else None]
    [folder] = broadcast_object_list(claimed)
    set_seed(args.seed)
    try:
        with accelerator.main_process_first():
            data = load(args.data or simulated(Path("data/simulated")))
            kinds = defect_columns(data["train"])
            if args.crop and CELLS not in data["train"].column_names:
                raise DataError(f"--crop {args.crop} needs maps of the damage, which {args.data} does not have")
            model = begin(args.init, kinds, args.input_size)
            ready = {split: prepare(data[split], model.input_size) for split in SPLITS if split in data}
        report = Report(folder, data, accelerator)
        if args.epochs:
            model = fit(accelerator, model, ready["train"], ready["validation"], args, report.epoch, folder)
    except Exception:
        if accelerator.is_main_process:
            release(folder)
        raise
    if not args.epochs:  # a calibration alone: what would have been trained on is as unseen as the validation split
        model = model.to(accelerator.device)
        ready["validation"] = concatenate_datasets([ready["train"], ready["validation"]])
        data["validation"] = concatenate_datasets([data["train"], data["validation"]])

    weights, held_out = balance(ready["train"]["label"]).to(accelerator.device), [s for s in ready if s != "train"]
    outputs = {s: predict(accelerator, model, ready[s], weights)[0] for s in held_out}
    if accelerator.is_main_process:
        calibration, promise = calibrate(outputs["validation"], ready["validation"], kinds, model)
        finish(model, calibration.to_dict(), folder / "model")
        report.finish(outputs, ready, promise)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    if args.push_to_hub and accelerator.is_main_process:
        publish_trained(folder, args.push_to_hub)
    return folder


def arguments() -> argparse.Namespace:
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
    add("--freeze", type=int, default=0, metavar="BLOCKS", help="how many of the 8 residual blocks stay as they are")
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
