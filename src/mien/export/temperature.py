"""Another temperature for a graph that is exported already: its weights stay, its softmax gets flatter or steeper."""

import struct
from typing import Any

import numpy as np

from mien.errors import BundleError

NAME = "recalibration"


def scale_litert(content: bytes, factor: float) -> bytes:
    """A .tflite whose temperature is `factor` times as high, by its softmax's beta, which multiplies the logits.

    Every operation else is left as it is, so that it fits int8 files and fused layers alike. Raises BundleError for a graph
    that does not end in a softmax.
    """
    from ai_edge_litert import schema_py_generated as schema

    buffer = bytearray(content)
    model = schema.Model.GetRootAs(buffer, 0)
    graph = model.Subgraphs(0)
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        kind = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if kind == schema.BuiltinOperator.SOFTMAX and operator.Outputs(0) == graph.Outputs(0):
            table = operator.BuiltinOptions()
            if place := table.Offset(4):  # of beta, the first field
                (beta,) = struct.unpack_from("<f", buffer, table.Pos + place)
                struct.pack_into("<f", buffer, table.Pos + place, beta / factor)
                return bytes(buffer)
    raise BundleError(
        "the .tflite does not end in a softmax, so its temperature cannot be changed; export its checkpoint again."
    )


def scale_onnx(content: bytes, factor: float) -> bytes:
    """An .onnx whose temperature is `factor` times as high, by a division before its softmax. Needs the package onnx.

    Raises BundleError for a graph that does not end in a softmax.
    """
    import onnx

    model = onnx.load_model_from_string(content)
    graph = model.graph
    known: dict[str, Any] = {constant.name: constant for constant in graph.initializer}
    if NAME in known:
        value = onnx.numpy_helper.to_array(known[NAME])
        known[NAME].CopyFrom(onnx.numpy_helper.from_array(np.array(value * factor, np.float32), NAME))
        return model.SerializeToString()
    for i, node in enumerate(graph.node):
        if node.op_type == "Softmax" and node.output[0] == graph.output[0].name:
            graph.initializer.append(onnx.numpy_helper.from_array(np.array(factor, np.float32), NAME))
            graph.node.insert(i, onnx.helper.make_node("Div", [node.input[0], NAME], [f"{NAME}_logits"]))
            node.input[0] = f"{NAME}_logits"
            return model.SerializeToString()
    raise BundleError("the .onnx does not end in a softmax, so its temperature cannot be changed; export its checkpoint again.")
