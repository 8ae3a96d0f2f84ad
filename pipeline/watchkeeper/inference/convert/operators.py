"""One function an operator: the TensorFlow Lite operators that the pinned networks use, as ONNX nodes.

Meanings are those of TensorFlow Lite's operator reference and of ONNX's operator reference, opset 13.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from watchkeeper.inference.convert.tflite_file import ConvertError, Operator
from watchkeeper.inference.convert.writer import TO_NCHW, OnnxWriter

Translate = Callable[[OnnxWriter, Operator], None]
_NONE, _RELU, _RELU6 = 0, 1, 3  # ActivationFunctionType
_SAME = 0  # Padding


def _finish(w: OnnxWriter, op: Operator, name: str) -> None:
    """The operator's output is `name`, after the activation the source fused into it."""
    activation = getattr(op.options, "fusedActivationFunction", _NONE)
    if activation == _RELU:
        name = w.add("Relu", [name])
    elif activation == _RELU6:
        name = w.add("Clip", [name, w.constant(np.float32(0)), w.constant(np.float32(6))])
    elif activation != _NONE:
        raise ConvertError(f"{op.kind}: fused activation {activation} is not supported")
    w.values[op.outputs[0]] = name


def _pads(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """TensorFlow's SAME: the output has ceil(size / stride); the odd pixel of padding goes to the end."""
    begin, end = [], []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        begin.append(total // 2)
        end.append(total - total // 2)
    return begin + end


def _convolution(w: OnnxWriter, op: Operator) -> None:
    weights = w.array(op.inputs[1])
    depthwise = op.kind == "DEPTHWISE_CONV_2D"
    kernel = weights.shape[1:3]
    stride = (op.options.strideH, op.options.strideW)
    dilation = (op.options.dilationHFactor, op.options.dilationWFactor)
    _, height, width, channels = w.shape(op.inputs[0])
    same = op.options.padding == _SAME
    inputs = [w.value(op.inputs[0]), w.constant(weights.transpose((3, 0, 1, 2) if depthwise else TO_NCHW))]
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        inputs.append(w.value(op.inputs[2]))
    _finish(w, op, w.add(
        "Conv", inputs, kernel_shape=list(kernel), strides=list(stride), dilations=list(dilation),
        pads=_pads((height, width), kernel, stride, dilation) if same else [0, 0, 0, 0],
        group=channels if depthwise else 1,
    ))  # fmt: skip


def _max_pool(w: OnnxWriter, op: Operator) -> None:
    kernel = (op.options.filterHeight, op.options.filterWidth)
    stride = (op.options.strideH, op.options.strideW)
    size = w.shape(op.inputs[0])[1:3]
    pads = _pads(size, kernel, stride, (1, 1)) if op.options.padding == _SAME else [0, 0, 0, 0]
    name = w.add("MaxPool", [w.value(op.inputs[0])], kernel_shape=list(kernel), strides=list(stride), pads=pads)
    _finish(w, op, name)


def _elementwise(kind: str) -> Translate:
    def translate(w: OnnxWriter, op: Operator) -> None:
        rank = len(w.shape(op.outputs[0]))
        for number in op.inputs:  # NumPy's broadcasting of unequal ranks would line up other axes in NCHW
            if number in w.values and rank == 4 and 0 < len(w.shape(number)) < 4:
                raise ConvertError(f"{op.kind}: a computed operand with {len(w.shape(number))} axes beside four")
        _finish(w, op, w.add(kind, [w.value(number, rank) for number in op.inputs]))

    return translate


def _chain(*kinds: str) -> Translate:
    def translate(w: OnnxWriter, op: Operator) -> None:
        name = w.value(op.inputs[0])
        for kind in kinds:
            name = w.add(kind, [name])
        _finish(w, op, name)

    return translate


def _squared_difference(w: OnnxWriter, op: Operator) -> None:
    rank = len(w.shape(op.outputs[0]))
    difference = w.add("Sub", [w.value(number, rank) for number in op.inputs])
    _finish(w, op, w.add("Mul", [difference, difference]))


def _pad(w: OnnxWriter, op: Operator) -> None:
    before_after = w.array(op.inputs[1])
    rank = len(w.shape(op.inputs[0]))
    pads = [0] * (2 * rank)
    for axis in range(rank):
        place = w.axis(op.inputs[0], axis)
        pads[place], pads[rank + place] = int(before_after[axis][0]), int(before_after[axis][1])
    _finish(w, op, w.add("Pad", [w.value(op.inputs[0]), w.constant(np.array(pads)), w.constant(np.float32(0))]))


def _reduce(w: OnnxWriter, op: Operator) -> None:
    if not op.options.keepDims:
        raise ConvertError(f"{op.kind} without keep_dims is not supported")
    axes = [w.axis(op.inputs[0], int(axis)) for axis in np.atleast_1d(w.array(op.inputs[1]))]
    source = w.value(op.inputs[0])
    if op.kind == "MEAN":
        _finish(w, op, w.add("ReduceMean", [source], axes=axes, keepdims=1))
    else:
        _finish(w, op, w.add("ReduceSum", [source, w.constant(np.array(axes))], keepdims=1))


def _reshape(w: OnnxWriter, op: Operator) -> None:
    target = w.constant(np.array(w.shape(op.outputs[0])))
    w.set_as_stated(op.outputs[0], w.add("Reshape", [w.as_stated(op.inputs[0]), target]))


def _transpose(w: OnnxWriter, op: Operator) -> None:
    order = [int(axis) for axis in w.array(op.inputs[1])]
    w.set_as_stated(op.outputs[0], w.turned(w.as_stated(op.inputs[0]), w.shape(op.inputs[0]), order))


def _concatenation(w: OnnxWriter, op: Operator) -> None:
    rank = len(w.shape(op.outputs[0]))
    names = [w.value(number, rank) for number in op.inputs]
    _finish(w, op, w.add("Concat", names, axis=w.axis(op.outputs[0], op.options.axis)))


def _strided_slice(w: OnnxWriter, op: Operator) -> None:
    source, options = op.inputs[0], op.options
    if options.ellipsisMask or options.newAxisMask:
        raise ConvertError("STRIDED_SLICE with an ellipsis or a new axis is not supported")
    begin, end, step = (w.array(number) for number in op.inputs[1:4])
    shape = w.shape(source)
    starts, ends, squeezed = [], [], []
    for axis, size in enumerate(shape):
        shrink = bool(options.shrinkAxisMask >> axis & 1)
        first = 0 if options.beginMask >> axis & 1 and not shrink else int(begin[axis])
        starts.append(first)
        if shrink:
            ends.append(first + 1 if first != -1 else size)
            squeezed.append(axis)
        else:
            ends.append(size if options.endMask >> axis & 1 else int(end[axis]))
    axes = w.constant(np.arange(len(shape)))
    bounds = [w.constant(np.array(starts)), w.constant(np.array(ends)), axes, w.constant(np.array(step))]
    name = w.add("Slice", [w.as_stated(source), *bounds])
    if squeezed:
        name = w.add("Squeeze", [name, w.constant(np.array(squeezed))])
    w.set_as_stated(op.outputs[0], name)


OPERATORS: dict[str, Translate] = {
    "ADD": _elementwise("Add"),
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "DIV": _elementwise("Div"),
    "LOGISTIC": _chain("Sigmoid"),
    "MAX_POOL_2D": _max_pool,
    "MEAN": _reduce,
    "MUL": _elementwise("Mul"),
    "NEG": _chain("Neg"),
    "PAD": _pad,
    "PRELU": _elementwise("PRelu"),
    "RELU": _chain("Relu"),
    "RESHAPE": _reshape,
    "RSQRT": _chain("Sqrt", "Reciprocal"),
    "SQRT": _chain("Sqrt"),
    "SQUARED_DIFFERENCE": _squared_difference,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _elementwise("Sub"),
    "SUM": _reduce,
    "TRANSPOSE": _transpose,
}
