"""An EyeNet that begins with the weights of a finished .tflite (to_tflite.py's), to go on training from there.

The file's convolutions have the batch normalisation worked in. It is put back so that the network answers as the file
does on pictures like those given: each layer's mean and deviation are taken from them.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from network import EyeNet, normalised
from torch import nn


def stored(path: Path) -> dict[str, torch.Tensor]:
    """The weights by to_tflite.py's names, convolutions as torch has them."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    found = {}
    for tensor in model.subgraphs[0].tensors:
        name = tensor.name.decode() if isinstance(tensor.name, bytes) else tensor.name
        if name.endswith("_half"):
            raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8).tobytes()
            values = torch.from_numpy(np.frombuffer(raw, np.float16).astype(np.float32).reshape(list(tensor.shape)))
            found[name.removesuffix("_half")] = values.permute(0, 3, 1, 2) if values.ndim == 4 else values
    return found


def started(path: Path, pictures: torch.Tensor) -> EyeNet:
    """pictures: (n, 1, 32, 32) grey 0..1, some hundreds of what will be trained on."""
    weights, net = stored(path), EyeNet()
    with torch.no_grad():
        x = normalised(pictures)
        number = 0
        layers = list(net.trunk)
        for layer, norm in pairwise([*layers, nn.Identity()]):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                layer.weight.copy_(weights[f"w{number}"])
                bare = layer(x)
                mean, spread = bare.mean(dim=(0, 2, 3)), bare.var(dim=(0, 2, 3))
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(spread)
                norm.weight.copy_(torch.sqrt(spread + norm.eps))
                norm.bias.copy_(weights[f"b{number}"] + mean)
                number += 1
                x = bare
            else:
                x = layer.eval()(x) if isinstance(layer, nn.BatchNorm2d) else layer(x)
        for head, name in ((net.judged, "judged"), (net.placed, "placed")):
            head.weight.copy_(weights[f"{name}_w"])
            head.bias.copy_(weights[f"{name}_b"])
    return net.train()
