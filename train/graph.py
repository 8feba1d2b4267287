"""Write the network's graph, by which the library judges on a CPU, from its definition in `darkroom.judge.resnet`.

python train/graph.py                      # after every change of that definition
"""

import io
import json
import warnings

import onnx
import torch
from torch import Tensor, nn

from darkroom.film.film import CELL
from darkroom.judge.resnet import ResNet18, to_float
from darkroom.judge.runtime import GRAPH, HEAD, SHAPES

SIZES = {2: "height", 3: "width"}
PREFIX = "model."


class _Maps(nn.Module):
    """From bytes to maps, of which label and defects are the mean."""

    def __init__(self, model: ResNet18):
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor, span: Tensor) -> Tensor:
        return self.model(to_float(pixels), span).maps


def graph() -> bytes:
    """The graph as ONNX without weights: pixels (N, 3, H, W) uint8, span (N,) in D, head.weight and head.bias in, maps
    out. The other weights are called as in the class, and whoever runs the graph puts them in."""
    pixels, out = torch.zeros(2, 3, 2 * CELL, 3 * CELL, dtype=torch.uint8), io.BytesIO()
    with warnings.catch_warnings():
        # It warns that there is a newer exporter, which writes this machine's paths into the file and takes far longer.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Maps(ResNet18().eval()),
            (pixels, torch.ones(2)),
            out,
            input_names=["pixels", "span"],
            output_names=["maps"],
            dynamic_axes={"pixels": {0: "batch", **SIZES}, "span": {0: "batch"}, "maps": {0: "batch", **SIZES}},
            training=torch.onnx.TrainingMode.PRESERVE,  # or it would put batch norms into weights of no name
            do_constant_folding=False,
            dynamo=False,
        )
    made = onnx.load_from_string(out.getvalue())
    for node in made.graph.node:
        node.input[:] = [name.removeprefix(PREFIX) for name in node.input]
    weights = [each for each in made.graph.initializer if each.name.startswith(PREFIX)]
    for weight in weights:
        weight.name = weight.name.removeprefix(PREFIX)
        if weight.name in HEAD:
            made.graph.initializer.remove(weight)
            shape = ["outputs", *weight.dims[1:]]
            made.graph.input.append(onnx.helper.make_tensor_value_info(weight.name, weight.data_type, shape))
            continue
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="model.safetensors")
    return made.SerializeToString()


def shapes() -> dict[str, list[int]]:
    """The shape of every weight, by its name."""
    return {name: [*tensor.shape] for name, tensor in ResNet18().state_dict().items()}


def main() -> None:
    """Run the command."""
    GRAPH.write_bytes(graph())
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in shapes().items())
    SHAPES.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
