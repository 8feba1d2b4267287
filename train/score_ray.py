"""A verdict for every scan of an archive, judged on a Ray cluster: `darkroom score` with Ray Data in place of threads.

    pip install 'ray[data]'
    python train/score_ray.py scans/ --output verdicts.parquet         # on the cluster that RAY_ADDRESS names, or here

The machine on which it runs lists the files, keeps the journal and writes the table; the others read the files, so that
all must see them under the same path. All that `darkroom score` can, this can: kill it, and the same command goes on.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import ray

from darkroom import command
from darkroom.judge.network import BATCH
from darkroom.judge.verdict import Judge, load
from darkroom.scoring.items import Item
from darkroom.scoring.judging import Judging
from darkroom.scoring.processes import Alone

WINDOW = 10_000  # items handed to Ray at once, so that the list of an archive is never in memory


def packed(item: Item) -> str:
    """An item as text, its files as every machine finds them."""
    if item.path:
        item = item._replace(path=os.path.abspath(item.path))
    if item.infrared and item.member < 0:
        item = item._replace(infrared=os.path.abspath(item.infrared))
    return json.dumps([part.decode("latin-1") if isinstance(part, bytes) else part for part in item])


def unpacked(text: str) -> Item:
    """The inverse of `packed`."""
    item = Item(*json.loads(text))
    of_bytes = {name: value.encode("latin-1") for name in ("key", "path", "infrared") if (value := getattr(item, name))}
    return item._replace(**of_bytes)


class Worker:
    """Judges batches of items on one core of the cluster; the arguments are those of `Judging`."""

    def __init__(self, weights: str | None, prior: float, light: str, pictures: Path | None):
        self.judging = Judging(load(weights), prior, light, pictures=pictures)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[str]]:
        """{"item": (N,) packed} to the same with {"frames": (N,) what is kept of them as JSON}."""
        items = map(unpacked, batch["item"])
        judged = [pair for some in self.judging.each(items) for pair in some]
        return {"item": list(batch["item"]), "frames": [json.dumps(frames) for _, frames in judged]}


class OnRay(Judging):
    """Judges on the cluster. weights: what the workers load."""

    def __init__(self, judge: Judge, weights: str | None, prior: float, light: str):
        super().__init__(judge, prior, light)
        self.weights = weights

    def each(self, items: Iterable[Item]) -> Iterator[list[tuple[Item, list[dict[str, Any]]]]]:
        """As `Judging.each`, in whatever order they are done."""
        waiting = iter(items)
        arguments = {
            "weights": self.weights,
            "prior": self.prior,
            "light": self.light,
            "pictures": self.pictures and self.pictures.resolve(),
        }
        while window := [{"item": packed(item)} for item in islice(waiting, WINDOW)]:
            workers = max(1, min(int(ray.cluster_resources()["CPU"]) - 1, -(-len(window) // BATCH)))
            done = ray.data.from_items(window, override_num_blocks=max(1, len(window) // BATCH)).map_batches(
                Worker, fn_constructor_kwargs=arguments, batch_size=BATCH, concurrency=workers
            )
            for batch in done.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
                found = zip(batch["item"], batch["frames"], strict=True)
                yield [(unpacked(item), json.loads(frames)) for item, frames in found]


class Cluster(Alone):
    """This process, which hands the work to Ray."""

    def judging(self, judge: Judge, weights: str | None, prior: float, light: str) -> Judging:
        """What judges on the cluster."""
        return OnRay(judge, weights and (os.path.abspath(weights) if os.path.isdir(weights) else weights), prior, light)


def main(argv: list[str] | None = None) -> int:
    """Run `darkroom score` on Ray and return its exit code."""
    ray.init(log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        return command.main(["score", *(sys.argv[1:] if argv is None else argv)], Cluster())
    finally:
        ray.shutdown()


if __name__ == "__main__":
    sys.exit(main())
