"""Graph -> .onnx, for ONNX Runtime and whatever else reads the format."""

from pathlib import Path

import onnx
import torch

from mien.export.graph import INPUT, OUTPUT, Graph, silence

OPSET = 18


def write_onnx(graph: Graph, path: Path) -> None:
    """Writes the graph as one file with a symbolic batch; takes about five seconds."""
    faces = torch.zeros(2, 48, 48, 1)  # a batch of one would be taken for a constant
    with silence():
        torch.onnx.export(graph, (faces,), str(path), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
                          input_names=[INPUT], output_names=[OUTPUT],
                          dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}})  # fmt: skip
    drop_notes(path)


def drop_notes(path: Path) -> None:
    """Leaves out what the exporter notes beside each node: the lines of code that it came from, with this machine's paths."""
    model = onnx.load(path)
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")
    onnx.save(model, path)
