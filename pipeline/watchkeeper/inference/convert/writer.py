"""Writes an ONNX graph whose four-axis tensors are all channels-first, whatever order the source network has.

`values` maps the source's tensor numbers to ONNX names. A four-axis tensor stands in NCHW order, every other as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from watchkeeper.inference.convert.tflite_file import ConvertError, Graph

OPSET = 13  # the newest that TensorRT 8.5's parser reads whole; ReduceSum takes its axes as an input from here on
_IR_VERSION = 8
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
_NCHW_AXIS = (0, 2, 3, 1)  # where an NHWC axis stands in NCHW


class OnnxWriter:
    """Collects nodes and constants.

    dtype: of everything between the casts at the ends. rounded: constants are rounded to float16.
    """

    def __init__(self, graph: Graph, dtype: type[np.float32] | type[np.float16], *, rounded: bool = False) -> None:
        self.graph, self.dtype, self._rounded = graph, dtype, rounded
        self.values: dict[int, str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._count = 0

    def shape(self, number: int) -> tuple[int, ...]:
        """The source's own shape of a tensor, as it states it."""
        return self.graph.tensors[number].shape

    def array(self, number: int) -> NDArray[Any]:
        """The values of a constant. Raises ConvertError when the tensor is computed."""
        values = self.graph.tensors[number].constant
        if values is None:
            raise ConvertError(f"{self.graph.tensors[number].name}: expected a constant")
        return values

    def axis(self, number: int, axis: int) -> int:
        """Where axis `axis` of this tensor stands in the ONNX graph."""
        rank = len(self.shape(number))
        return _NCHW_AXIS[axis % 4] if rank == 4 else axis % max(rank, 1)

    def add(self, kind: str, inputs: Sequence[str], name: str | None = None, **attributes: Any) -> str:
        """A node; its only output's name is returned."""
        self._count += 1
        output = name or f"{kind}_{self._count}"
        self.nodes.append(
            onnx.helper.make_node(kind, list(inputs), [output], name=f"n{self._count}_{kind}", **attributes)
        )
        return output

    def constant(self, values: NDArray[Any]) -> str:
        """An initializer: floating values in the graph's own type, integers as int64."""
        if self._rounded and values.dtype.kind == "f":
            values = values.astype(np.float16)
        kept = values.astype(self.dtype if values.dtype.kind == "f" else np.int64)
        self._count += 1
        name = f"c{self._count}"
        self._constants[name] = onnx.numpy_helper.from_array(np.ascontiguousarray(kept), name)
        return name

    def value(self, number: int, rank: int | None = None) -> str:
        """The ONNX name of a tensor. A constant is written where it is used, widened to `rank` axes by leading ones."""
        if number in self.values:
            return self.values[number]
        array = self.array(number)
        if rank is not None and 0 < array.ndim < rank:
            array = array.reshape((1,) * (rank - array.ndim) + array.shape)
        return self.constant(array.transpose(TO_NCHW) if array.ndim == 4 else array)

    def turned(self, name: str, shape: Sequence[int], order: Sequence[int]) -> str:
        """`name`, of this shape, with its axes in `order`; a mere Reshape where no element has to move."""
        moving = [axis for axis in order if shape[axis] != 1]
        if moving == sorted(moving):
            return self.add("Reshape", [name, self.constant(np.array([shape[axis] for axis in order]))])
        return self.add("Transpose", [name], perm=list(order))

    def as_stated(self, number: int) -> str:
        """The tensor in the source's own order of axes."""
        shape = self.shape(number)
        if len(shape) != 4:
            return self.value(number)
        return self.turned(self.value(number), [shape[i] for i in TO_NCHW], TO_NHWC)

    def set_as_stated(self, number: int, name: str) -> None:
        """`name`, in the source's own order, is this tensor."""
        shape = self.shape(number)
        self.values[number] = self.turned(name, shape, TO_NCHW) if len(shape) == 4 else name

    def model(self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """The finished model, checked. Raises ConvertError when ONNX's own checker objects."""
        used = {name for node in self.nodes for name in node.input}
        constants = [tensor for name, tensor in self._constants.items() if name in used]
        graph = onnx.helper.make_graph(self.nodes, "watchkeeper", inputs, outputs, constants)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
        model.ir_version = _IR_VERSION
        model.producer_name = "watchkeeper"
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise ConvertError(f"the converted graph is not valid ONNX: {error}") from error
        return model
