"""Train one eye network: `python train.py --out NET.pt --renders P.npz [--mrl eyes_mrl.npz --fold 0] --seed 0`.

Without --mrl: the clearly licensed set, rendered patches alone. With it: both; --fold K leaves the K-th of three groups
of people out (for figures), none otherwise. PyTorch on the CPU, one thread.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path

import augment
import numpy as np
import torch
from data import Balanced, EyePatches, batch, folds, rendered, research
from network import CLOSED, IRIS_X, OPENING, VISIBLE, EyeNet
from torch.nn import functional

BATCH = 256
FOLDS = 3
RENDER_SHARE = 0.35  # of a batch, where there are people too
_DECAY = 0.998


def shown(
    pictures: torch.Tensor, truth: dict[str, torch.Tensor], random: torch.Generator
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The batch as a camera might have seen it, and what is then true of it."""
    x, theta = augment.crop(augment.lashes(pictures, truth["opening"], random), 1.0, random)
    x = augment.light(x, random)
    x, left = augment.cut_out(x, random)
    x = augment.sensor(x, random)
    truth = dict(truth)
    # where the iris went: source = A out + b in -1..1 of the 60 mm patch
    source = truth["iris"] * 2 * (augment.CROP_MM / augment.SOURCE_MM)
    truth["iris"] = torch.linalg.solve(theta[:, :, :2], (source - theta[:, :, 2])[:, :, None])[:, :, 0] / 2
    truth["visible"] = truth["visible"] * left
    hidden = truth["visible"] < 0.5
    for name in ("closed", "opening", "iris"):
        truth[name] = truth[name].masked_fill(hidden.reshape(-1, *[1] * (truth[name].ndim - 1)), float("nan"))
    return x, truth


def loss(out: torch.Tensor, truth: dict[str, torch.Tensor]) -> torch.Tensor:
    """Closed and visible by cross entropy (labels softened by 2 %), opening and iris by a robust distance."""
    known = ~torch.isnan(truth["closed"])
    soft = truth["closed"][known] * 0.96 + 0.02
    total = functional.binary_cross_entropy_with_logits(out[known, CLOSED], soft)
    total = total + 0.3 * functional.binary_cross_entropy_with_logits(out[:, VISIBLE], truth["visible"])
    known = ~torch.isnan(truth["opening"])
    total = total + 2.0 * functional.smooth_l1_loss(out[known, OPENING], truth["opening"][known], beta=0.1)
    known = ~torch.isnan(truth["iris"]).any(dim=1)
    if known.any():
        placed = out[known, IRIS_X : IRIS_X + 2]
        total = total + 4.0 * functional.smooth_l1_loss(placed, truth["iris"][known], beta=0.05)
    return total


def train(sets: list[tuple[EyePatches, int]], steps: int, seed: int) -> EyeNet:
    """sets: patches and how many of each batch come from them. Returns the averaged weights."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    numbers = np.random.default_rng(seed)
    drawers = [Balanced(data, numbers) for data, _ in sets]
    net = EyeNet()
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=steps, pct_start=0.15)
    began, smooth = time.monotonic(), 0.0
    for step in range(steps):
        drawn = [batch(data, d.draw(n)) for (data, n), d in zip(sets, drawers, strict=True)]
        pictures = torch.cat([x for x, _ in drawn])
        truth = {k: torch.cat([t[k] for _, t in drawn]) for k in drawn[0][1]}
        order = torch.randperm(len(pictures), generator=random)
        x, truth = shown(pictures[order], {k: v[order] for k, v in truth.items()}, random)
        value = loss(net(x), truth)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        schedule.step()
        smooth = 0.98 * smooth + 0.02 * value.item()
        with torch.no_grad():
            decay = min(_DECAY, (step + 1) / (step + 10))
            for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
                if kept.dtype.is_floating_point:
                    kept.mul_(decay).add_(new, alpha=1 - decay)
        if step % 100 == 99:
            print(f"step {step + 1}/{steps} loss {smooth / (1 - 0.98 ** (step + 1)):.4f} "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
    return average.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--renders", type=Path, nargs="+", required=True)
    parser.add_argument("--mrl", type=Path)
    parser.add_argument("--fold", type=int, choices=range(FOLDS))
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    renders = rendered(*wanted.renders)
    sets = [(renders, BATCH)]
    if wanted.mrl is not None:
        people = research(wanted.mrl)
        if wanted.fold is not None:
            people = people.part(~np.isin(people.person, folds(people.person, FOLDS)[wanted.fold]))
        few = round(BATCH * RENDER_SHARE)
        sets = [(people, BATCH - few), (renders, few)]
    torch.save(train(sets, wanted.steps, wanted.seed).state_dict(), wanted.out)


if __name__ == "__main__":
    main()
