"""An eye network as a .tflite file: `python to_tflite.py NET.pt OUT.tflite --scale S --shift T --name NAME`.

Written directly with the schema that ai-edge-litert carries; no TensorFlow. Weights are kept as float16 behind a
DEQUANTIZE each, which LiteRT and our own ONNX converter unpack once at loading. The batch is fixed to two eyes.
Calibration (closed logit = S * logit + T, found on people outside the training) is worked into the last layer; for
weights that are a .tflite already NET is that file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from network import CLIP, CLOSED, FLOOR, OUTPUTS, SIDE, EyeNet, folded
from start import started

EYES = 2
Values = np.ndarray


class Graph:
    """Collects tensors and operators of one network, batch EYES, channels last."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[Any] = []
        empty = schema.BufferT()
        empty.data = None
        self.buffers: list[Any] = [empty]

    def tensor(self, name: str, shape: tuple[int, ...], kind: int = schema.TensorType.FLOAT32, buffer: int = 0) -> int:
        """Number of a new tensor."""
        entry = schema.TensorT()
        entry.name, entry.shape, entry.type, entry.buffer = name, list(shape), kind, buffer
        entry.isVariable = False
        self.tensors.append(entry)
        return len(self.tensors) - 1

    def stored(self, name: str, values: Values) -> int:
        """A constant as it is."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.buffers.append(buffer)
        kinds = {"float32": schema.TensorType.FLOAT32, "float16": schema.TensorType.FLOAT16,
                 "int32": schema.TensorType.INT32}  # fmt: skip
        return self.tensor(name, values.shape, kinds[values.dtype.name], len(self.buffers) - 1)

    def weights(self, name: str, values: Values) -> int:
        """A constant kept as float16, used as float32."""
        half = self.stored(name + "_half", values.astype(np.float16))
        return self.add("DEQUANTIZE", [half], values.shape, name, schema.DequantizeOptionsT())

    def add(self, kind: str, inputs: list[int], shape: tuple[int, ...], name: str, options: Any) -> int:
        """An operator; number of its output."""
        number = getattr(schema.BuiltinOperator, kind)
        known = [code.builtinCode for code in self.codes]
        if number not in known:
            code = schema.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode, code.version = (
                number,
                min(number, 127),
                _VERSIONS.get(kind, 1),
            )
            self.codes.append(code)
            known.append(number)
        entry = schema.OperatorT()
        entry.opcodeIndex = known.index(number)
        output = self.tensor(name, shape)
        entry.inputs, entry.outputs = inputs, [output]
        if options is not None:
            entry.builtinOptions = options
            entry.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self.operators.append(entry)
        return output

    def bytes(self, inputs: list[int], outputs: list[int], name: str) -> bytes:
        """The whole file."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, inputs, outputs
        graph.name = "main"
        model = schema.ModelT()
        model.version, model.description = 3, name
        model.subgraphs, model.buffers, model.operatorCodes = [graph], self.buffers, self.codes
        builder = flatbuffers.Builder(1 << 18)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


_VERSIONS = {"DEQUANTIZE": 3, "MEAN": 1}


def _with(options: Any, **values: Any) -> Any:
    for name, value in values.items():
        setattr(options, name, value)
    return options


def _normalise(g: Graph, x: int, axes: int, tag: str) -> int:
    picture, one = (EYES, SIDE, SIDE, 1), (EYES, 1, 1, 1)
    keep = {"keepDims": True}
    mean = g.add("MEAN", [x, axes], one, f"mean_{tag}", _with(schema.ReducerOptionsT(), **keep))
    centred = g.add("SUB", [x, mean], picture, f"centred_{tag}", schema.SubOptionsT())
    square = g.add("MUL", [centred, centred], picture, f"square_{tag}", schema.MulOptionsT())
    spread = g.add("MEAN", [square, axes], one, f"spread_{tag}", _with(schema.ReducerOptionsT(), **keep))
    floored = g.add("ADD", [spread, g.stored(f"floor_{tag}", np.full((1, 1, 1, 1), FLOOR, np.float32))], one,
                    f"floored_{tag}", schema.AddOptionsT())  # fmt: skip
    root = g.add("RSQRT", [floored], one, f"root_{tag}", None)
    return g.add("MUL", [centred, root], picture, f"scaled_{tag}", schema.MulOptionsT())


def write(net: EyeNet, scale: float, shift: float, name: str) -> bytes:
    """The file. closed logit = scale * the network's + shift."""
    g = Graph()
    relu, none = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.NONE
    source = g.tensor("patches", (EYES, SIDE, SIDE, 1))
    axes = g.stored("axes", np.array([1, 2], np.int32))
    scaled = _normalise(g, source, axes, "first")
    picture = (EYES, SIDE, SIDE, 1)
    once = np.ones((1, 1, 1, 1), np.float32)
    low = g.add("ADD", [scaled, g.stored("clip_low", once * CLIP)], picture, "above_low",
                _with(schema.AddOptionsT(), fusedActivationFunction=relu))  # fmt: skip
    high = g.add("SUB", [g.stored("clip_high", once * 2 * CLIP), low], picture, "below_high",
                 _with(schema.SubOptionsT(), fusedActivationFunction=relu))  # fmt: skip
    clipped = g.add("SUB", [g.stored("clip_back", once * 2 * CLIP), high], picture, "clipped", schema.SubOptionsT())
    x, side = _normalise(g, clipped, axes, "again"), SIDE
    for i, (weight, bias) in enumerate(folded(net.trunk)):
        stride = 2 if i == 0 else 1
        side //= stride
        channels = weight.shape[0]
        options = _with(schema.Conv2DOptionsT(), padding=_same_as_torch(stride), strideH=stride, strideW=stride,
                        dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=relu)  # fmt: skip
        if stride == 2:  # torch pads both sides by two; SAME would put one pixel more at the end
            pads = g.stored("pads", np.array([[0, 0], [2, 2], [2, 2], [0, 0]], np.int32))
            x = g.add("PAD", [x, pads], (EYES, SIDE + 4, SIDE + 4, 1), "padded", schema.PadOptionsT())
        x = g.add("CONV_2D", [x, g.weights(f"w{i}", weight.permute(0, 2, 3, 1).numpy()),
                              g.weights(f"b{i}", bias.numpy())],
                  (EYES, side, side, channels), f"conv{i}", options)  # fmt: skip
        if i in (1, 2):
            side //= 2
            x = g.add("MAX_POOL_2D", [x], (EYES, side, side, channels), f"pool{i}",
                      _with(schema.Pool2DOptionsT(), padding=schema.Padding.VALID, strideH=2, strideW=2,
                            filterHeight=2, filterWidth=2, fusedActivationFunction=none))  # fmt: skip
    plain = _with(schema.Conv2DOptionsT(), padding=schema.Padding.VALID, strideH=1, strideW=1, dilationHFactor=1,
                  dilationWFactor=1, fusedActivationFunction=none)  # fmt: skip
    mean = g.add("MEAN", [x, axes], (EYES, 1, 1, channels), "features", _with(schema.ReducerOptionsT(), keepDims=True))
    judged_w, judged_b = net.judged.weight.detach().clone(), net.judged.bias.detach().clone()
    judged_w[0] *= scale
    judged_b[0] = judged_b[0] * scale + shift
    heads = {"judged": (mean, judged_w, judged_b),
             "placed": (x, net.placed.weight.detach(), net.placed.bias.detach())}  # fmt: skip
    made = {
        head: g.add("CONV_2D", [at, g.weights(head + "_w", w.permute(0, 2, 3, 1).numpy()),
                                g.weights(head + "_b", b.numpy())], (EYES, 1, 1, len(b)), head, plain)
        for head, (at, w, b) in heads.items()
    }  # fmt: skip
    both = g.add("CONCATENATION", [made["judged"], made["placed"]], (EYES, 1, 1, OUTPUTS), "both",
                 _with(schema.ConcatenationOptionsT(), axis=3, fusedActivationFunction=none))  # fmt: skip
    shape = g.stored("shape", np.array([EYES, OUTPUTS], np.int32))
    out = g.add(
        "RESHAPE", [both, shape], (EYES, OUTPUTS), "eyes", _with(schema.ReshapeOptionsT(), newShape=[EYES, OUTPUTS])
    )
    return g.bytes([source], [out], name)


def _same_as_torch(stride: int) -> int:
    return schema.Padding.VALID if stride == 2 else schema.Padding.SAME


# The file's own order: closed, visible, opening, iris x, iris y (the two heads one after the other).
FILE_ORDER = (0, 4, 1, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--shift", type=float, default=0.0)
    parser.add_argument("--name", default="watchkeeper eye network")
    wanted = parser.parse_args()
    if wanted.net.suffix == ".tflite":
        net = started(wanted.net, torch.rand(64, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)))
    else:
        net = EyeNet()
        net.load_state_dict(torch.load(wanted.net, weights_only=True))
    net.eval()
    data = write(net, wanted.scale, wanted.shift, wanted.name)
    wanted.out.write_bytes(data)
    _check(net, data, wanted.scale, wanted.shift)
    print(f"{wanted.out}: {len(data)} bytes")


def _check(net: EyeNet, data: bytes, scale: float, shift: float) -> None:
    """LiteRT must give what PyTorch gives, but for the halves. Raises SystemExit when it does not."""
    from ai_edge_litert.interpreter import Interpreter

    random = np.random.default_rng(0)
    patches = random.random((EYES, SIDE, SIDE, 1), np.float32) * random.random((EYES, 1, 1, 1), np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(patches.transpose(0, 3, 1, 2))).numpy()
    expected[:, CLOSED] = expected[:, CLOSED] * scale + shift
    engine = Interpreter(model_content=data)
    engine.allocate_tensors()
    engine.set_tensor(engine.get_input_details()[0]["index"], patches)
    engine.invoke()
    found = engine.get_tensor(engine.get_output_details()[0]["index"])
    worst = float(np.abs(found - expected[:, FILE_ORDER]).max())
    if not worst < 0.05:
        raise SystemExit(f"LiteRT differs from PyTorch by {worst:g}: {found} {expected}")


if __name__ == "__main__":
    main()
