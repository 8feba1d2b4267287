"""Write the network's graph, by which the library judges on a CPU, from its definition in `darkroom.judge.resnet`.

python train/graph.py                      # after every change of that definition
"""

import json
from operator import add

from torch import Tensor, fx, nn
from torch.nn import functional as F

from darkroom.judge.resnet import ResNet18
from darkroom.judge.runtime import FOLDED, GRAPH, SHAPES

MAGIC = "7767517"  # with which an ncnn graph begins


class _Features(nn.Module):
    """The network without its head."""

    def __init__(self, model: ResNet18):
        super().__init__()
        self.stem, self.blocks = model.stem, model.blocks

    def forward(self, pixels: Tensor) -> Tensor:
        return self.blocks(self.stem(pixels))


def graph() -> str:
    """The graph in ncnn's text format, a layer a line: its type, its name, the number of its inputs and of its outputs,
    their names, its parameters. A convolution is called as in the class, with the batch norm that is folded into it
    after `FOLDED`; a ReLU behind it is a part of it."""
    traced = fx.symbolic_trace(_Features(ResNet18()))
    modules = dict(traced.named_modules())
    lines: list[str] = []
    made: list[str] = []
    waiting: dict[fx.Node, list[str]] = {}  # what each node's takers have to take, one after another
    for node in traced.graph.nodes:
        if node.op == "output" or node in waiting:
            continue
        given = [waiting[one].pop(0) for one in node.all_input_nodes]
        parts = _parts(node, modules)
        name, kind, parameters = _layer(parts, modules)
        layers = [(kind, name, given, [node.name], parameters)]
        if (takers := len(parts[-1].users)) > 1:  # in ncnn an output is taken once
            copies = [f"{node.name}_{number}" for number in range(takers)]
            layers.append(("Split", f"{node.name}_split", [node.name], copies, []))
        for kind, name, given, out, parameters in layers:
            lines.append(" ".join([kind, name, str(len(given)), str(len(out)), *given, *out, *parameters]))
            made += out
        waiting |= {part: [] for part in parts} | {parts[-1]: [*layers[-1][3]]}
    return "\n".join([MAGIC, f"{len(lines)} {len(made)}", *lines, ""])


def _kind(node: fx.Node, modules: dict[str, nn.Module]) -> object:
    """The class of a module, or the function that a node calls."""
    return type(modules[str(node.target)]) if node.op == "call_module" else node.target


def _parts(node: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node]:
    """The nodes that are one layer, of which a node is the first: a convolution with what follows it, and only it."""
    parts = [node]
    for kinds in ((nn.BatchNorm2d,), (nn.ReLU, F.relu)) if _kind(node, modules) is nn.Conv2d else ():
        takers = [*parts[-1].users]
        if len(takers) == 1 and _kind(takers[0], modules) in kinds:
            parts += takers
    return parts


def _layer(parts: list[fx.Node], modules: dict[str, nn.Module]) -> tuple[str, str, list[str]]:
    """Name, type and parameters of a layer, these as number=value."""
    first, *more = parts
    kind = _kind(first, modules)
    if kind is nn.Conv2d:
        conv = modules[str(first.target)]
        names = [str(part.target) for part in parts if _kind(part, modules) in (nn.Conv2d, nn.BatchNorm2d)]
        sizes = {0: conv.out_channels, 1: conv.kernel_size[0], 3: conv.stride[0], 4: conv.padding[0]}
        sizes |= {5: 1, 6: conv.weight.numel()}  # with a bias; numbers in the weight
        if more and _kind(more[-1], modules) in (nn.ReLU, F.relu):
            sizes[9] = 1
        return FOLDED.join(names), "Convolution", [f"{number}={value}" for number, value in sizes.items()]
    if kind is nn.MaxPool2d:
        pool = modules[str(first.target)]
        return first.name, "Pooling", [f"1={pool.kernel_size}", f"2={pool.stride}", f"3={pool.padding}", "5=1"]
    if first.op == "placeholder":
        return first.name, "Input", []
    return first.name, *{add: ("BinaryOp", ["0=0"]), F.relu: ("ReLU", [])}[kind]


def shapes() -> dict[str, list[int]]:
    """The shape of every weight, by its name."""
    return {name: [*tensor.shape] for name, tensor in ResNet18().state_dict().items()}


def main() -> None:
    """Run the command."""
    GRAPH.write_text(graph(), encoding="utf-8")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in shapes().items())
    SHAPES.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
