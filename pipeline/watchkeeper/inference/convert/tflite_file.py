"""A .tflite file as plain values: tensors, constants, operators in order. Only what the converter needs.

The schema is TensorFlow Lite's (schema.fbs, version 3); its generated reader comes with ai-edge-litert.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}
_OPERATOR_NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


class ConvertError(Exception):
    """The file is not one that can be converted; the text says what was met."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """shape as the file states it (NHWC where it has four axes). constant: its values, None for what is computed."""

    name: str
    shape: tuple[int, ...]
    constant: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Operator:
    """kind: the schema's name, such as CONV_2D. inputs and outputs: tensor numbers, -1 for an absent optional one."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True, slots=True)
class Graph:
    """One network. inputs, outputs: tensor numbers."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(data: bytes) -> Graph:
    """The network in a .tflite file. Raises ConvertError for what is no such file or holds more than one network."""
    if data[4:8] != b"TFL3":
        raise ConvertError("expected a TensorFlow Lite file (TFL3)")
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    # what a cut or damaged flatbuffer makes its reader raise
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, UnicodeDecodeError, MemoryError) as error:
        raise ConvertError(f"expected a whole TensorFlow Lite file ({error})") from error
    if len(model.subgraphs or ()) != 1:
        raise ConvertError(f"expected one network in the file, got {len(model.subgraphs or ())}")
    graph = model.subgraphs[0]
    tensors, operators = _unpacked(
        [_tensor(entry, model.buffers) for entry in graph.tensors],
        [_operator(entry, model.operatorCodes) for entry in graph.operators],
    )
    return Graph(
        tensors,
        operators,
        tuple(int(i) for i in graph.inputs),
        tuple(int(i) for i in graph.outputs),
    )


def _unpacked(tensors: list[Tensor], operators: list[Operator]) -> tuple[tuple[Tensor, ...], tuple[Operator, ...]]:
    """Weights that the file keeps as float16 behind a DEQUANTIZE become constants of float32 (exact)."""
    kept = []
    for operator in operators:
        packed = tensors[operator.inputs[0]] if operator.kind == "DEQUANTIZE" else None
        if packed is None or packed.constant is None or packed.constant.dtype != np.float16:
            kept.append(operator)
            continue
        target = tensors[operator.outputs[0]]
        tensors[operator.outputs[0]] = Tensor(target.name, target.shape, packed.constant.astype(np.float32))
    return tuple(tensors), tuple(kept)


def _tensor(entry: Any, buffers: list[Any]) -> Tensor:
    name, shape = entry.name.decode(), tuple(int(n) for n in (() if entry.shape is None else entry.shape))
    raw = buffers[entry.buffer].data
    if raw is None:
        return Tensor(name, shape, None)
    if entry.type not in _DTYPES:
        raise ConvertError(f"{name}: constants of type {entry.type} are not supported")
    values = np.frombuffer(bytes(raw), _DTYPES[entry.type])
    if values.size != int(np.prod(shape)):
        raise ConvertError(f"{name}: expected {int(np.prod(shape))} values, got {values.size}")
    return Tensor(name, shape, values.reshape(shape))


def _operator(entry: Any, codes: list[Any]) -> Operator:
    code = codes[entry.opcodeIndex]
    number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))  # the older field holds only numbers below 127
    return Operator(
        _OPERATOR_NAMES.get(number, f"operator {number}"),
        tuple(int(i) for i in entry.inputs),
        tuple(int(i) for i in entry.outputs),
        entry.builtinOptions,
    )
