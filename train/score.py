"""A verdict for every scan of an archive: `darkroom score`, shared by the processes that Accelerate starts.

    python train/score.py scans/ frame.tif --output verdicts.csv
    python train/score.py scans/ --output verdicts.csv --contact-sheet sheet.pdf
    accelerate launch train/score.py scans/ --output verdicts.parquet --weights user/name@v1      # several GPUs

Folders are walked. Every picture found gets one row, in the same order however many processes share the work; one that
cannot be judged has its `error` filled, and the run goes on. The exit code is 2 when nothing could be judged.
"""

import sys
from contextlib import AbstractContextManager
from typing import Any

from accelerate import Accelerator
from accelerate.utils import gather_object

from darkroom import command
from darkroom.judge.scoring import Alone


class Several(Alone):
    """This process, among those that Accelerate has started."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator, self.device = accelerator, accelerator.device
        self.index, self.count = accelerator.process_index, accelerator.num_processes

    def first(self) -> AbstractContextManager[Any]:
        """Let the first process run before the others."""
        return self.accelerator.main_process_first()

    def gather(self, mine: list) -> list:
        """Gather the items of all processes in one list."""
        return gather_object(mine)

    def wait(self) -> None:
        """Wait until all processes have arrived here."""
        self.accelerator.wait_for_everyone()


def main(argv: list[str] | None = None) -> int:
    """Run `darkroom score`, shared by all processes, and return its exit code."""
    accelerator = Accelerator()
    try:
        return command.main(["score", *(sys.argv[1:] if argv is None else argv)], Several(accelerator))
    finally:
        accelerator.end_training()  # without it processes are sometimes killed at exit


if __name__ == "__main__":
    sys.exit(main())
