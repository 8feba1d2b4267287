"""A verdict for every scan of an archive: `darkroom score`, shared by the processes that Accelerate starts, and for
pictures of data sets.

    accelerate launch train/score.py scans/ --output verdicts.parquet --weights user/name@v1     # a process a GPU
    python train/score.py hf://datasets/user/negatives --output verdicts.csv                      # read as it comes
    python train/score.py saved/negatives --output verdicts.csv                                   # from `save_to_disk`

Every process takes a share of the files and writes down what it did; the first then writes the table. What one of them
did stays when another is killed: the same command goes on from there. All else is said by `darkroom score --help`.
"""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from accelerate import Accelerator, InitProcessGroupKwargs

from darkroom import command
from darkroom.scoring.items import Item
from darkroom.scoring.processes import Alone
from learning.dataset_items import DataSetItems

LONGEST = timedelta(days=60)  # that the first process waits for the others


class Several(Alone):
    """This process, among those that Accelerate has started."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator, self.device = accelerator, accelerator.device
        self.index, self.count = accelerator.process_index, accelerator.num_processes

    @property
    def readers(self) -> int:
        """The cores, shared by the processes of this machine."""
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        return max(1, super().readers // here)

    def first(self) -> AbstractContextManager[Any]:
        """Let the first process run before the others."""
        return self.accelerator.main_process_first()

    def items(self, paths: list[str], note: Callable[[str], object]) -> Iterable[Item] | None:
        """The pictures of data sets, if there is one among `paths`."""
        items = DataSetItems(paths, note)
        return items if items.any else None

    def wait(self) -> None:
        """Wait until all processes have arrived here."""
        self.accelerator.wait_for_everyone()


def main(argv: list[str] | None = None) -> int:
    """Run `darkroom score`, shared by all processes, and return its exit code."""
    accelerator = Accelerator(kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST)])
    try:
        return command.main(["score", *(sys.argv[1:] if argv is None else argv)], Several(accelerator))
    finally:
        accelerator.end_training()  # without it processes are sometimes killed at exit


if __name__ == "__main__":
    sys.exit(main())
