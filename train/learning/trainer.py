"""The training loop."""

import argparse
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, set_seed
from datasets import Dataset
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from tqdm import tqdm

from darkroom.judge.resnet import ResNet18, to_float
from learning.augment import augment
from learning.checkpoint import Progress, RunError, newest, restore, save
from learning.dataset import COLUMNS, collate
from learning.metrics import Readability
from learning.model import portable
from learning.objective import balance, losses
from learning.predict import p_normal, predict

WARM_UP = 100  # steps, at most the first epoch, over which the learning rate rises to its value
WEIGHT_DECAY = 0.05
SMOOTHING = 0.05  # of the label: people differ on what is readable


def averaging(average: torch.Tensor, current: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Exponential moving average whose memory grows with the run, so that the start of a short run is forgotten."""
    if not average.is_floating_point():
        return current
    return average.lerp(current, 1 - min(0.998, (1 + int(count)) / (10 + int(count))))


def train_model(
    accelerator: Accelerator,
    model: ResNet18,
    train: Dataset,
    validation: Dataset,
    args: argparse.Namespace,
    on_epoch: Callable[[dict], None],
    folder: Path | None = None,
) -> ResNet18:
    """Train until `args.epochs`, or until the validation loss has not fallen for `args.patience` epochs.

    train, validation: as `dataset.prepare_dataset` gives them. on_epoch: called with the record of every epoch, of
    earlier ones too where a run goes on. folder: where checkpoints are kept and the newest is resumed; None keeps none.
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
            on_epoch(record)

    while progress.epoch < args.epochs and progress.epoch - progress.best_epoch < args.patience:
        epoch, began, total, seen = progress.epoch + 1, time.perf_counter(), 0.0, 0
        set_seed(1000 * args.seed + epoch, device_specific=True)  # another augmentation each epoch and process
        loader.set_epoch(epoch)
        trained.train()
        frozen.eval()  # its batch statistics stay unchanged too
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
        for tensor in averaged.module.state_dict().values():  # the batch statistics differ between processes
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
        on_epoch(record)
    averaged.module.load_state_dict(best)
    return averaged.module.half().float()  # rounded as it is stored, so that the published model is the measured one
