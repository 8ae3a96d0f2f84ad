"""`to_onnx(tflite bytes) -> ONNX bytes`: channels-first inside, batch 1, float32 at both ends.

A picture input (four axes, first used by a convolution) is channels-first outside too, so that the preprocessing kernel
writes what the first layer reads. Every other input and all outputs are as the .tflite file states them.
"""

from __future__ import annotations

import numpy as np
import onnx

from watchkeeper.inference.convert.operators import OPERATORS
from watchkeeper.inference.convert.tflite_file import ConvertError, Graph, read_graph
from watchkeeper.inference.convert.writer import TO_NCHW, OnnxWriter
from watchkeeper.inference.onnx_file import FP16, FP16_WEIGHTS, FP32

PRECISIONS = (FP32, FP16, FP16_WEIGHTS)

_FLOAT = onnx.TensorProto.FLOAT


def to_onnx(data: bytes, precision: str = FP32) -> bytes:
    """The same network as ONNX; the same bytes every time.

    precision: "fp32"; "fp16": weights and everything computed, with casts at both ends, for engines that take types
    from the graph alone; "fp16-weights": weights rounded to float16, computed in float32.
    Raises ConvertError naming the operator or tensor that cannot be converted, ValueError for an unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision}: expected one of {', '.join(PRECISIONS)}")
    try:
        return _converted(read_graph(data), precision)
    except _DAMAGE as error:
        raise ConvertError(f"the file is damaged or uses something unknown ({error!r})") from error


# What a damaged file that still reads as one leads to: numbers of tensors that are not there, options of another kind.
_DAMAGE = (IndexError, KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, OverflowError, MemoryError)


def _converted(graph: Graph, precision: str) -> bytes:
    writer = OnnxWriter(graph, np.float16 if precision == FP16 else np.float32, rounded=precision == FP16_WEIGHTS)
    inputs = [_input(writer, number) for number in graph.inputs]
    for operator in graph.operators:
        if operator.kind not in OPERATORS:
            raise ConvertError(f"{operator.kind}: not an operator that can be converted")
        OPERATORS[operator.kind](writer, operator)
    outputs = [_output(writer, number) for number in graph.outputs]
    return bytes(writer.model(inputs, outputs).SerializeToString(deterministic=True))


def _is_picture(graph: Graph, number: int) -> bool:
    users = [op for op in graph.operators if number in op.inputs]
    return len(graph.tensors[number].shape) == 4 and bool(users) and all("CONV_2D" in op.kind for op in users)


def _input(w: OnnxWriter, number: int) -> onnx.ValueInfoProto:
    tensor = w.graph.tensors[number]
    shape = tensor.shape
    if 0 in shape or min(shape, default=1) < 1:
        raise ConvertError(f"{tensor.name}: expected a fixed shape, got {shape}")
    name = tensor.name if w.dtype is np.float32 else w.add("Cast", [tensor.name], to=onnx.TensorProto.FLOAT16)
    if _is_picture(w.graph, number):
        shape = tuple(shape[i] for i in TO_NCHW)
        w.values[number] = name
    else:
        w.set_as_stated(number, name)
    return onnx.helper.make_tensor_value_info(tensor.name, _FLOAT, shape)


def _output(w: OnnxWriter, number: int) -> onnx.ValueInfoProto:
    tensor = w.graph.tensors[number]
    name = w.as_stated(number)
    if w.dtype is np.float32:
        w.add("Identity", [name], tensor.name)
    else:
        w.add("Cast", [name], tensor.name, to=_FLOAT)
    return onnx.helper.make_tensor_value_info(tensor.name, _FLOAT, tensor.shape)
