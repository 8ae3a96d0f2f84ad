"""What glasses do to an eye patch, drawn at random: rims, lamps mirrored in a lens, a window's band across it, glare in
shapes that were cut from other pictures. All on (n, 1, SIDE, SIDE) of even contrast, mean near 0.45."""

from __future__ import annotations

import torch

SIDE = 32
_GLARE_FROM, _GLARE_SOFT = 0.75, 0.06  # of the way from a picture's middle tone to its brightest
_LEAST_RANGE, _MOST_COVERED = 0.35, 0.5  # below, nothing glares; above, it is no reflection but a bright picture


def _plane() -> tuple[torch.Tensor, torch.Tensor]:
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5 - SIDE / 2, torch.arange(SIDE) + 0.5 - SIDE / 2, indexing="ij")
    return y[None, None], x[None, None]


class Dice:
    """Numbers a patch, (n, 1, 1, 1)."""

    def __init__(self, n: int, random: torch.Generator) -> None:
        self.n, self.random = n, random

    def uniform(self, low: float, high: float) -> torch.Tensor:
        """Between low and high."""
        return low + (high - low) * torch.rand(self.n, 1, 1, 1, generator=self.random)

    def normal(self, spread: float) -> torch.Tensor:
        """Around 0."""
        return spread * torch.randn(self.n, 1, 1, 1, generator=self.random)

    def chance(self, p: float) -> torch.Tensor:
        """1 with probability p, or 0."""
        return (torch.rand(self.n, 1, 1, 1, generator=self.random) < p).float()


def rims(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """A frame's rim on one patch in five: dark, or bright metal; its lens may be larger than the patch."""
    dice = Dice(len(x), random)
    v, u = _plane()
    half_x, half_y, thick = dice.uniform(11, 22), dice.uniform(8, 17), dice.uniform(0.6, 2.6)
    across, down = (u - dice.normal(3.5)).abs() / half_x, (v - 1 - dice.normal(3.0)).abs() / half_y
    away = ((across**3 + down**3) ** (1 / 3) - 1) * half_y
    ring = torch.exp(-((away / thick) ** 2)) * dice.chance(0.2)
    metal = dice.chance(0.25)
    return x * (1 - (1 - metal) * ring * dice.uniform(0.3, 0.95)) + metal * ring * dice.uniform(0.2, 0.9)


def lamps(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """One to three hard, saturated spots of a lamp and its neighbours, on one patch in six."""
    dice = Dice(len(x), random)
    v, u = _plane()
    at_u, at_v, step_u, step_v = dice.normal(8), dice.normal(7), dice.normal(5), dice.normal(4)
    wide, high = dice.uniform(1.0, 5.0), dice.uniform(1.0, 4.0)
    on, bright = dice.chance(0.17), dice.uniform(0.5, 1.5)
    for k in range(3):
        spot = torch.sigmoid(6 * (1 - ((u - at_u - k * step_u) / wide) ** 2 - ((v - at_v - k * step_v) / high) ** 2))
        on = on * dice.chance(0.6) if k else on
        x = x + on * bright * spot
    return x


def bands(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """A window mirrored in a lens, on one patch in eight: a bright band with straight edges at any angle."""
    dice = Dice(len(x), random)
    v, u = _plane()
    angle, width, soft = dice.uniform(0, 3.1416), dice.uniform(2, 9), dice.uniform(0.3, 1.5)
    away = (u * torch.cos(angle) + v * torch.sin(angle) - dice.normal(9)).abs()
    ends = (v * torch.cos(angle) - u * torch.sin(angle) - dice.normal(8)).abs()
    band = torch.sigmoid((width - away) / soft) * torch.sigmoid((dice.uniform(4, 30) - ends) / soft)
    return x + dice.chance(0.125) * dice.uniform(0.1, 0.8) * band


def glare_of(patches: torch.Tensor) -> torch.Tensor:
    """Where each of (n, 1, h, w) grey 0..1 glares, 0..1; those that do not, or do nearly everywhere, are left out."""
    flat = patches.flatten(1)
    middle, most = flat.median(dim=1).values[:, None, None, None], flat.amax(dim=1)[:, None, None, None]
    span = most - middle
    mask = torch.sigmoid((patches - middle - _GLARE_FROM * span) / (_GLARE_SOFT * span.clamp(min=1e-3)))
    covered = (mask > 0.5).float().mean(dim=(1, 2, 3))
    return mask[(span[:, 0, 0, 0] > _LEAST_RANGE) & (covered < _MOST_COVERED) & (covered > 0.002)]


def worn(x: torch.Tensor, random: torch.Generator, glare: torch.Tensor | None) -> torch.Tensor:
    """All of it. glare: (n, 1, SIDE, SIDE) shapes from other pictures, laid over one patch in seven."""
    x = bands(lamps(rims(x, random), random), random)
    if glare is None:
        return x
    dice = Dice(len(x), random)
    over = glare * dice.chance(0.15)
    return x * (1 - over) + over * dice.uniform(0.8, 1.5)
