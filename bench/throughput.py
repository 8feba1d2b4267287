"""Pictures a second that training does here, at several input sizes, in float32 and bfloat16.

python bench/throughput.py
"""

import statistics
import time

import torch
from torch.nn import functional as F

from darkroom.judge.resnet import ResNet18

CASES = ((244, 32, False), (244, 32, True), (352, 16, True), (488, 8, True))  # input size, batch, bfloat16
STEPS = 7


def pictures_a_second(size: int, batch: int, bfloat16: bool) -> float:
    """Median over steps of forward, backward and update on random pictures, the first step left out."""
    model = ResNet18(input_size=size).train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters())
    pictures = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    label = torch.randint(0, 2, (batch,))
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            output = model(pictures, torch.ones(batch))
        F.cross_entropy(output.label.float(), label).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
    return batch / statistics.median(seconds[1:])


def main() -> None:
    """Run the command."""
    torch.manual_seed(0)
    for size, batch, bfloat16 in CASES:
        kind = "bfloat16" if bfloat16 else "float32"
        speed = pictures_a_second(size, batch, bfloat16)
        print(f"{size} px, batch {batch:2}, {kind:8}: {speed:5.1f} pictures a second")


if __name__ == "__main__":
    main()
