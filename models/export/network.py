"""The eye network: a plain CNN of about 85 000 weights on 32 x 32 grey, and its normalisation inside the graph.

Outputs, (n, 5): logit of "closed", lid gap in cm, as if seen from the front, iris centre x and y (shares of the
patch's side from its middle), logit of "an eye can be seen". Only operators every engine has: the first half of the
graph makes the patch's mean 0 and its deviation 1, clips glints and black rims at CLIP deviations, and does so again.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

SIDE = 32
CLIP = 2.5
CHANNELS = (20, 32, 64, 96)
CLOSED, OPENING, IRIS_X, IRIS_Y, VISIBLE = range(5)
OUTPUTS = 5
FLOOR = 1e-5  # variance of a patch of one tone


def normalised(x: torch.Tensor) -> torch.Tensor:
    """(n, 1, 32, 32) grey 0..1 to mean 0 and deviation 1, clipped, and again."""
    centred = x - x.mean(dim=(2, 3), keepdim=True)
    scaled = centred * torch.rsqrt((centred * centred).mean(dim=(2, 3), keepdim=True) + FLOOR)
    clipped = 2 * CLIP - torch.relu(2 * CLIP - torch.relu(scaled + CLIP))
    centred = clipped - clipped.mean(dim=(2, 3), keepdim=True)
    return centred * torch.rsqrt((centred * centred).mean(dim=(2, 3), keepdim=True) + FLOOR)


class EyeNet(nn.Module):
    """Four convolutions, the picture halved by the first's stride and after the next two; two heads."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        wide = 1
        for i, channels in enumerate(CHANNELS):
            first = i == 0
            conv = nn.Conv2d(wide, channels, 5 if first else 3, 2 if first else 1, 2 if first else 1, bias=False)
            layers += [conv, nn.BatchNorm2d(channels), nn.ReLU()]
            if 0 < i < len(CHANNELS) - 1:
                layers.append(nn.MaxPool2d(2))
            wide = channels
        self.trunk = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.drop = nn.Dropout(0.2)
        self.judged = nn.Conv2d(wide, 2, 1)  # closed, visible: from what is there, wherever it is
        self.placed = nn.Conv2d(wide, 3, SIDE // 8)  # opening and iris: from where it is

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 1, 32, 32) grey 0..1 to (n, 5)."""
        x = normalised(x).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            features = self.trunk(x)
        features = self.drop(features.float())
        judged = self.judged(features.mean(dim=(2, 3), keepdim=True))
        placed = self.placed(features)
        return torch.cat([judged[:, :1], placed, judged[:, 1:]], dim=1).flatten(1)


def folded(trunk: nn.Sequential) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weights (out, in, k, k) and biases of the trunk's convolutions with the batch normalisation worked in."""
    made = []
    layers = list(trunk)
    for conv, norm in pairwise(layers):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            made.append(((conv.weight * scale[:, None, None, None]).detach(),
                         (norm.bias - norm.running_mean * scale).detach()))  # fmt: skip
    return made
