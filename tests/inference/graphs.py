"""Small graphs of other makers: their output is their input's pixels, or a product with them."""

from pathlib import Path

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema


def write_litert(path: Path, side: int, softmax: bool = True, quantized: bool = False, inputs: int = 1) -> None:
    """faces [1,side,side,1] -> their pixels [1,side*side], through a softmax or not; int8 at both ends where quantized."""
    kind = schema.TensorType.INT8 if quantized else schema.TensorType.FLOAT32

    def tensor(name: str, shape: list[int], step: tuple[float, int], buffer: int = 0, type_: int = kind):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, shape, type_, buffer
        if quantized and type_ == kind:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [step[0]], [step[1]]
        return made

    def operator(code: int, inputs: list[int], output: int, options=None):
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, [output]
        if options:
            made.builtinOptions, made.builtinOptionsType = options, schema.BuiltinOptions.SoftmaxOptions
        return made

    pixel, prob = (1 / 255, -128), (1 / 256, -128)
    graph, model, beta = schema.SubGraphT(), schema.ModelT(), schema.SoftmaxOptionsT()
    beta.beta = 1.0
    size = np.array([1, side * side], np.int32)
    graph.tensors = [tensor("faces", [1, side, side, 1], pixel), tensor("flat", size.tolist(), pixel),
                     tensor("shape", [2], pixel, 1, schema.TensorType.INT32), tensor("probs", size.tolist(), prob)]  # fmt: skip
    graph.operators = [operator(0, [0, 2], 1), *([operator(1, [1], 3, beta)] if softmax else [])]
    graph.inputs, graph.outputs = [0] * inputs, [3 if softmax else 1]
    codes = [schema.OperatorCodeT(), schema.OperatorCodeT()]
    for code, value in zip(codes, (schema.BuiltinOperator.RESHAPE, schema.BuiltinOperator.SOFTMAX), strict=True):
        code.builtinCode = code.deprecatedBuiltinCode = value
        code.version = 2 if quantized and value == schema.BuiltinOperator.SOFTMAX else 1
    shape = schema.BufferT()
    shape.data = np.frombuffer(size.tobytes(), np.uint8)
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, codes, [graph], [schema.BufferT(), shape]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def write_onnx(path: Path, shape: list, classes: int, known: list[int]) -> np.ndarray:
    """faces of that shape -> logits [n,classes], a product with random weights, which are given: [pixels,classes].

    known: the sizes that `shape` may leave open.
    """
    weights = np.random.default_rng(0).normal(size=(int(np.prod(known[1:])), classes)).astype(np.float32)
    numbers = onnx.numpy_helper.from_array(weights, "weights")
    nodes = [onnx.helper.make_node("Flatten", ["faces"], ["flat"]), onnx.helper.make_node("MatMul", ["flat", "weights"], ["y"])]
    ends = [onnx.helper.make_tensor_value_info("faces", onnx.TensorProto.FLOAT, shape)]
    found = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [shape[0], classes])]
    graph = onnx.helper.make_graph(nodes, "made", ends, found, [numbers])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), path)
    return weights
