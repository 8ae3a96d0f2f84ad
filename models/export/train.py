"""Train one eye network: `python train.py --out NET.pt --renders P.npz [--mrl eyes_mrl.npz --fold 0] --seed 0`.

Without --mrl: the clearly licensed set, rendered patches alone. With it: both; --fold K leaves the K-th of three groups
of people out (for figures), --also-without J one more (to choose by, never to report), none otherwise. --start goes on
from a finished .tflite: the research set from eye_clear, which has seen none of its people. PyTorch on the CPU, one
thread.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path

import augment
import glasses
import numpy as np
import torch
from data import Balanced, EyePatches, batch, folds, rendered, research
from network import CLOSED, IRIS_X, OPENING, VISIBLE, EyeNet
from start import started
from torch.nn import functional

BATCH = 256
FOLDS = 3
RENDER_SHARE = 0.25  # of a batch, where there are people too
_AVERAGED = 0.3  # of the steps: how far back the average of the weights reaches
_BELIEVED = 0.05  # a label the network gives less than this counts for less: one in a hundred is wrong
_BIG = 2  # the research set's number of big reflections
_PEAK_NEW, _PEAK_STARTED = 4e-3, 2.5e-3  # learning rate


def shown(
    pictures: torch.Tensor, truth: dict[str, torch.Tensor], random: torch.Generator, glare: torch.Tensor | None = None
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The batch as a camera might have seen it, and what is then true of it. glare: (m, 1, 64, 64) shapes, or None."""
    known = ~torch.isnan(truth["opening"])
    if known.any():
        pictures = pictures.clone()
        pictures[known] = augment.lashes(pictures[known], truth["opening"][known], random)
    x, theta = augment.crop(pictures, 1.0, random)
    if glare is not None:
        drawn = glare[torch.randint(len(glare), (len(x),), generator=random)].float() / 255
        glare = augment.crop(drawn, 1.5, random)[0]
    x = augment.light(x, random, glare)
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
    label = truth["closed"][known]
    given = torch.sigmoid(out[known, CLOSED].detach())
    weight = (torch.where(label > 0.5, given, 1 - given) / _BELIEVED).clamp(max=1.0)
    apart = functional.binary_cross_entropy_with_logits(out[known, CLOSED], label * 0.96 + 0.02, reduction="none")
    total = (weight * apart).mean()
    total = total + 0.3 * functional.binary_cross_entropy_with_logits(out[:, VISIBLE], truth["visible"])
    known = ~torch.isnan(truth["opening"])
    total = total + 2.0 * functional.smooth_l1_loss(out[known, OPENING], truth["opening"][known], beta=0.1)
    known = ~torch.isnan(truth["iris"]).any(dim=1)
    if known.any():
        placed = out[known, IRIS_X : IRIS_X + 2]
        total = total + 4.0 * functional.smooth_l1_loss(placed, truth["iris"][known], beta=0.05)
    return total


def train(
    sets: list[tuple[EyePatches, int]], steps: int, seed: int, start: Path | None, glare: torch.Tensor | None
) -> EyeNet:
    """sets: patches and how many of each batch come from them. Returns the averaged weights."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    numbers = np.random.default_rng(seed)
    drawers = [Balanced(data, numbers) for data, _ in sets]

    def drawn() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        parts = [batch(data, d.draw(n)) for (data, n), d in zip(sets, drawers, strict=True)]
        pictures = torch.cat([x for x, _ in parts])
        truth = {k: torch.cat([t[k] for _, t in parts]) for k in parts[0][1]}
        order = torch.randperm(len(pictures), generator=random)
        return shown(pictures[order], {k: v[order] for k, v in truth.items()}, random, glare)

    net = EyeNet() if start is None else started(start, torch.cat([drawn()[0] for _ in range(3)]))
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    peak = _PEAK_NEW if start is None else _PEAK_STARTED
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=peak, total_steps=steps, pct_start=0.15)
    began, smooth = time.monotonic(), 0.0
    for step in range(steps):
        x, truth = drawn()
        value = loss(net(x), truth)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        schedule.step()
        smooth = 0.98 * smooth + 0.02 * value.item()
        with torch.no_grad():
            decay = min(1 - 1 / (_AVERAGED * steps), (step + 1) / (step + 10))
            for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
                if kept.dtype.is_floating_point:
                    kept.mul_(decay).add_(new, alpha=1 - decay)
        if step % 50 == 49:
            print(f"step {step + 1}/{steps} loss {smooth / (1 - 0.98 ** (step + 1)):.4f} "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
    return average.eval()


def glares(path: Path, people: np.ndarray) -> torch.Tensor:
    """(m, 1, 64, 64) uint8 shapes of the big reflections in these people's glasses."""
    chosen = np.isin(np.load(path)["subject"], people) & (np.load(path)["reflections"] == _BIG)
    patches = torch.from_numpy(research(path).patch[chosen].astype(np.float32) / 255)[:, None]
    return (glasses.glare_of(patches) * 255).to(torch.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--renders", type=Path, nargs="+", required=True)
    parser.add_argument("--mrl", type=Path)
    parser.add_argument("--fold", type=int, choices=range(FOLDS))
    parser.add_argument("--also-without", type=int, choices=range(FOLDS))
    parser.add_argument("--start", type=Path)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    renders = rendered(*wanted.renders)
    sets, glare = [(renders, BATCH)], None
    if wanted.mrl is not None:
        people = research(wanted.mrl)
        groups = folds(people.person, FOLDS)
        for without in {wanted.fold, wanted.also_without} - {None}:
            people = people.part(~np.isin(people.person, groups[without]))
        few = round(BATCH * RENDER_SHARE)
        sets = [(people, BATCH - few), (renders, few)]
        glare = glares(wanted.mrl, np.unique(people.person))
        print(f"{len(np.unique(people.person))} people, {len(glare)} glares", file=sys.stderr)
    torch.save(train(sets, wanted.steps, wanted.seed, wanted.start, glare).state_dict(), wanted.out)


if __name__ == "__main__":
    main()
