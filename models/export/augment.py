"""What a camera in a car does to an eye patch, at random: position, light, glare, blur, size, compression.

Everything works on a batch of (n, 1, 64, 64) grey 0..1 that covers 60 mm a side; what comes out is the network's own
crop of CROP_MM, (n, 1, 32, 32), as the product cuts it, give or take.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from glasses import SIDE, worn
from torch.nn import functional

SOURCE_MM, CROP_MM = 60.0, 41.0


def crop(patches: torch.Tensor, strength: float, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The crop with zoom, shift, rotation, unequal sides and mirroring; and (n, 2, 3), output to source positions."""
    n = len(patches)

    def normal(spread: float) -> torch.Tensor:
        return torch.randn(n, generator=random) * spread * strength

    zoom = CROP_MM / SOURCE_MM * torch.exp(normal(0.13))
    stretch = torch.exp(normal(0.08))
    angle = normal(math.radians(7))
    mirror = torch.where(torch.rand(n, generator=random) < 0.5, -1.0, 1.0) if strength else torch.ones(n)
    c, s = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([
        torch.stack([c * zoom * stretch * mirror, -s * zoom / stretch, normal(0.075)], dim=1),
        torch.stack([s * zoom * stretch * mirror, c * zoom / stretch, normal(0.075)], dim=1),
    ], dim=1)  # fmt: skip
    grid = functional.affine_grid(theta, [n, 1, SIDE, SIDE], align_corners=False)
    return functional.grid_sample(patches, grid, padding_mode="border", align_corners=False), theta


def lashes(patches: torch.Tensor, gap_cm: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Lashes and the shadow of the upper lid's rim on two of three rendered patches, whose mesh has none.

    The rim runs from corner to corner: arched up by the open gap, hanging down where the lids meet. Lashes darken more
    below a shut rim than above an open one. patches: (n, 1, 64, 64), 60 mm a side; gap_cm: NaN where it is not known.
    """
    n, px = patches.shape[0], 64 / SOURCE_MM
    known = ~torch.isnan(gap_cm)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, generator=random)

    gap = torch.nan_to_num(gap_cm)[:, None, None] * 10 * px
    shut = (1 - gap / (3 * px)).clamp(0, 1)
    half = uniform(11, 16) * px
    line = (torch.arange(64) - 31.5)[None]
    x, y = line[:, None, :] - uniform(-1.5, 1.5) * px, line[:, :, None] - uniform(-1.5, 1.5) * px
    along = (1 - (x / half) ** 2).clamp(min=0)
    rim = (-0.6 * gap + shut * uniform(-0.5, 4.5) * px) * along
    above, below = uniform(0.4, 1.2) * px, (0.4 + shut * uniform(0.2, 2.2)) * px + 0.3
    away = y - rim
    dark = torch.exp(-((away / torch.where(away > 0, below, above)) ** 2)) * along.sqrt()
    on = (known & (torch.rand(n, generator=random) < 0.67)).float()[:, None, None]
    return patches * (1 - on * uniform(0.2, 0.85) * dark)[:, None]


def _ramp(n: int, random: torch.Generator) -> torch.Tensor:
    """A plane of light from side to side."""
    line = torch.linspace(-1, 1, SIDE)
    tilt = torch.randn(n, 2, generator=random) * 0.35
    return torch.exp(tilt[:, :1, None] * line[None, None, :] + tilt[:, 1:, None] * line[None, :, None])[:, None]


def _blobs(n: int, random: torch.Generator, size: tuple[float, float]) -> torch.Tensor:
    """One soft or hard-edged ellipse each, 0..1, anywhere in the patch."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    at = torch.rand(n, 2, 1, 1, generator=random) * SIDE
    radius = size[0] * (size[1] / size[0]) ** torch.rand(n, 2, 1, 1, generator=random)
    away = ((x - at[:, 0]) / radius[:, 0]) ** 2 + ((y - at[:, 1]) / radius[:, 1]) ** 2
    hard = 1 + 5 * torch.rand(n, 1, 1, generator=random)
    return torch.sigmoid((1 - away) * hard * 1.5)[:, None]


def light(x: torch.Tensor, random: torch.Generator, glare: torch.Tensor | None = None) -> torch.Tensor:
    """Gamma, a ramp, shadows, glints, glasses (glare: their shapes, or None), contrast and the level of black."""
    n = len(x)

    def chance(p: float) -> torch.Tensor:
        return (torch.rand(n, 1, 1, 1, generator=random) < p).float()

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, 1, generator=random)

    # every patch begins with the same contrast, or glare and noise would drown those of a dark picture
    spread = x.std(dim=(2, 3), keepdim=True).clamp(min=0.01)
    x = ((x - x.mean(dim=(2, 3), keepdim=True)) / spread * 0.16 + 0.45).clamp(0.02, 1)
    x = x ** torch.exp(torch.randn(n, 1, 1, 1, generator=random) * 0.3)
    x = x * _ramp(n, random) ** chance(0.6)
    x = x * (1 - chance(0.2) * uniform(0.2, 0.7) * _blobs(n, random, (5, 20)))
    x = x + chance(0.2) * uniform(0.05, 0.5) * _blobs(n, random, (4, 18))
    for _ in range(2):
        x = x + chance(0.3) * uniform(0.3, 1.5) * _blobs(n, random, (0.7, 2.5))
    x = worn(x, random, glare)
    return uniform(0.0, 0.15) + x * uniform(0.1, 1.0)


def sensor(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Blur, fewer pixels, movement, noise, eight bits, compression. One kind of loss a sixteenth of the batch."""
    made = []
    for part in x.chunk(16):
        roll = float(torch.rand(1, generator=random))
        if roll < 0.35:
            size = int(torch.randint(10, 26, (1,), generator=random))
            part = functional.interpolate(part, size=(size, size), mode="area")
            part = functional.interpolate(part, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        elif roll < 0.7:
            part = _blurred(part, 0.4 + 1.6 * float(torch.rand(1, generator=random)))
        elif roll < 0.8:
            length = int(torch.randint(2, 6, (1,), generator=random))
            across = bool(torch.rand(1, generator=random) < 0.5)
            shape = (1, 1, 1, length) if across else (1, 1, length, 1)
            pad = (length // 2, (length - 1) // 2, 0, 0) if across else (0, 0, length // 2, (length - 1) // 2)
            part = functional.conv2d(functional.pad(part, pad, mode="replicate"), torch.full(shape, 1 / length))
        made.append(part)
    x = torch.cat(made)
    spread = x.std(dim=(2, 3), keepdim=True)
    noise = torch.rand(len(x), 1, 1, 1, generator=random) ** 3 * 0.4 * spread
    x = (x + noise * torch.randn(x.shape, generator=random)).clamp(0, 1)
    grey = (x * 255).round().to(torch.uint8).numpy()
    for i in torch.nonzero(torch.rand(len(x), generator=random) < 0.15)[:, 0].tolist():
        quality = int(torch.randint(25, 95, (1,), generator=random))
        coded = cv2.imencode(".jpg", grey[i, 0], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        grey[i, 0] = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    return torch.from_numpy(grey.astype(np.float32) / 255)


def _blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = max(1, math.ceil(2.5 * sigma))
    line = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    line = line / line.sum()
    x = functional.conv2d(functional.pad(x, (reach, reach, 0, 0), mode="replicate"), line[None, None, None])
    return functional.conv2d(functional.pad(x, (0, 0, reach, reach), mode="replicate"), line[None, None, :, None])


def cut_out(x: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Rectangles over one patch in seven. Also: what they leave of the middle, where the eye is, 0..1."""
    n = len(x)
    on = torch.rand(n, generator=random) < 0.15
    size = (torch.rand(n, 2, generator=random) ** 1.5 * 0.8 + 0.1) * SIDE
    low = torch.rand(n, 2, generator=random) * SIDE - size / 2
    line = torch.arange(SIDE) + 0.5
    inside_x = (line >= low[:, :1]) & (line < (low + size)[:, :1])
    inside_y = (line >= low[:, 1:]) & (line < (low + size)[:, 1:])
    mask = (inside_x[:, None, :] & inside_y[:, :, None] & on[:, None, None])[:, None].float()
    tone = torch.rand(n, 1, 1, 1, generator=random)
    middle = mask[:, :, 9:23, 4:28].mean(dim=(1, 2, 3))
    return x * (1 - mask) + mask * tone, 1 - middle
