"""Write the network's graph, by which the library judges on a CPU, from its definition in `darkroom.judge.resnet`.

python train/graph.py                      # after every change of that definition
"""

import json
from collections.abc import Callable
from operator import add

from torch import Tensor, fx, nn
from torch.nn import functional as F

from darkroom.judge.resnet import ResNet18
from darkroom.judge.runtime import FOLDED, GRAPH, SHAPES

MAGIC = 7767517  # with which an ncnn graph begins


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
    lines, blobs, merged, waiting = [], 0, {}, {}

    def kind(node: fx.Node) -> type[nn.Module] | Callable[..., Tensor] | str:
        return type(modules[node.target]) if node.op == "call_module" else node.target

    def after(node: fx.Node, kinds: tuple) -> fx.Node | None:
        """What takes the output of a node, if it is the only one and of such a kind."""
        (only, *others) = node.users
        return only if not others and kind(only) in kinds else None

    def write(layer: str, name: str, given: list[str], made: list[str], *parameters: str) -> None:
        nonlocal blobs
        blobs += len(made)
        lines.append(" ".join([layer, name, str(len(given)), str(len(made)), *given, *made, *parameters]))

    for node in traced.graph.nodes:
        if node.op == "output" or node in merged:
            continue
        given = [waiting[merged.get(one, one)].pop(0) for one in node.all_input_nodes]
        name, last = node.name, node
        if node.op == "placeholder":
            layer, parameters = "Input", []
        elif kind(node) is nn.Conv2d:
            conv, name = modules[node.target], str(node.target)
            layer, parameters = (
                "Convolution",
                [
                    f"0={conv.out_channels}",
                    f"1={conv.kernel_size[0]}",
                    f"3={conv.stride[0]}",
                    f"4={conv.padding[0]}",
                    "5=1",
                    f"6={conv.weight.numel()}",
                ],
            )
            if norm := after(last, (nn.BatchNorm2d,)):
                merged[norm], last, name = node, norm, f"{name}{FOLDED}{norm.target}"
            if relu := after(last, (nn.ReLU, F.relu)):
                merged[relu], last = node, relu
                parameters.append("9=1")
        elif kind(node) is nn.MaxPool2d:
            pool = modules[node.target]
            layer, parameters = "Pooling", [f"1={pool.kernel_size}", f"2={pool.stride}", f"3={pool.padding}", "5=1"]
        else:
            layer, parameters = {add: ("BinaryOp", ["0=0"]), F.relu: ("ReLU", [])}[kind(node)]
        write(layer, name, given, [node.name], *parameters)
        waiting[node] = [node.name]
        if len(last.users) > 1:  # whoever takes an output takes it alone
            waiting[node] = [f"{node.name}_{number}" for number in range(len(last.users))]
            write("Split", f"{node.name}_split", [node.name], waiting[node])
    return "\n".join([str(MAGIC), f"{len(lines)} {blobs}", *lines, ""])


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
