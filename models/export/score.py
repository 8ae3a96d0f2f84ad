"""Figures of eye networks on people none of them has seen, and the calibration that follows.

    python score.py --mrl eyes_mrl.npz --out FIGURES.json NET_0.pt NET_1.pt NET_2.pt [--folds]

Each network is one seed. With --folds the K-th network is judged on the K-th group of people (the ones it was trained
without), and so on from the first again; --only J: all were trained without the J-th. Without either every network is
judged on all people (networks that saw none). The threshold is 0.5 throughout. "surest" takes the 88 % whose logit is
farthest from 0, whatever their labels.
Intervals are 95 %, by drawing people (not patches) again 1000 times. Calibration (closed logit = scale * logit + shift)
is fitted on the same answers by logistic regression with people and classes weighted alike; figures are without it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import augment
import numpy as np
import torch
from data import SOURCE_PX, Balanced, EyePatches, folds, research
from network import CLOSED, EyeNet
from train import FOLDS

BAND = (0.3, 0.7)
_JUDGED = 0.88  # share of the patches that the card asks the surest of
_CHUNK = 512


def logits(net: EyeNet, data: EyePatches) -> np.ndarray:
    """(n,) logit of "closed" for the middle of each patch, cut as the product cuts it."""
    made = []
    with torch.no_grad():
        for start in range(0, len(data), _CHUNK):
            x = torch.from_numpy(data.patch[start : start + _CHUNK].astype(np.float32) / 255)[:, None]
            x = augment.crop(x, 0.0, torch.Generator())[0]
            made.append(net(x)[:, CLOSED].numpy())
    return np.concatenate(made)


def auc(closed: np.ndarray, opened: np.ndarray) -> float:
    """Probability that a closed eye is given a higher logit than an open one; ties count half."""
    order = np.sort(opened)
    below = np.searchsorted(order, closed, side="left") + np.searchsorted(order, closed, side="right")
    return float(below.mean() / 2 / len(opened))


def balanced(logit: np.ndarray, closed: np.ndarray) -> float:
    """Mean of the shares of closed and of open eyes that are told rightly, at probability 0.5."""
    return float(((logit[closed] > 0).mean() + (logit[~closed] <= 0).mean()) / 2)


def figures(logit: np.ndarray, closed: np.ndarray, person: np.ndarray) -> dict[str, Any]:
    """Balanced accuracy with its interval, AUC, and both with the unknown band."""
    if closed.all() or not closed.any():
        return {"n": len(closed), "people": len(np.unique(person))}
    random = np.random.default_rng(0)
    people = np.unique(person)
    rows = [np.flatnonzero(person == p) for p in people]
    drawn = []
    for _ in range(1000):
        again = np.concatenate([rows[i] for i in random.integers(len(people), size=len(people))])
        if closed[again].any() and not closed[again].all():
            drawn.append(balanced(logit[again], closed[again]))
    p = 1 / (1 + np.exp(-logit))
    judged = (p < BAND[0]) | (p > BAND[1])
    sure = balanced(logit[judged], closed[judged]) if 0 < closed[judged].sum() < judged.sum() else None
    far = np.abs(logit) >= np.quantile(np.abs(logit), 1 - _JUDGED)
    apart = balanced(logit[far], closed[far]) if 0 < closed[far].sum() < far.sum() else None
    return {
        "n": len(closed),
        "people": len(people),
        "balanced_accuracy": round(balanced(logit, closed), 4),
        "interval_95": [round(float(v), 4) for v in np.percentile(drawn, (2.5, 97.5))],
        "auc": round(auc(logit[closed], logit[~closed]), 4),
        "judged_outside_band": round(float(judged.mean()), 3),
        "balanced_accuracy_outside_band": None if sure is None else round(sure, 4),
        "balanced_accuracy_surest": round(apart, 4) if apart is not None else None,
    }


def calibration(logit: np.ndarray, closed: np.ndarray, person: np.ndarray) -> tuple[float, float]:
    """Scale and shift of Platt's method (Platt 1999): both classes weigh the same, and in each class every person as
    much as he has patches of it, up to Balanced.CAP."""
    weight = np.zeros(len(logit))
    for kind in (True, False):
        for one in np.unique(person):
            mine = (person == one) & (closed == kind)
            weight[mine] = min(mine.sum(), Balanced.CAP) / max(mine.sum(), 1)
        weight[closed == kind] /= weight[closed == kind].sum()
    a, b = 1.0, 0.0
    for _ in range(50):  # Newton
        p = 1 / (1 + np.exp(-(a * logit + b)))
        g = np.array([(weight * (p - closed) * logit).sum(), (weight * (p - closed)).sum()])
        w = weight * p * (1 - p)
        h = np.array([[(w * logit * logit).sum(), (w * logit).sum()], [(w * logit).sum(), w.sum()]])
        step = np.linalg.solve(h + 1e-9 * np.eye(2), g)
        a, b = a - step[0], b - step[1]
    return float(a), float(b)


def conditions(stored: Any) -> dict[str, np.ndarray]:
    """What the research set says of each patch."""
    return {
        "glasses": stored["glasses"],
        "reflections": stored["reflections"],
        "lighting_good": stored["lighting_good"],
        "sensor": stored["sensor"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", type=Path, nargs="+")
    parser.add_argument("--mrl", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folds", action="store_true")
    parser.add_argument("--only", type=int, choices=range(FOLDS))
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    data, by = research(wanted.mrl), conditions(np.load(wanted.mrl))
    assert data.patch.shape[1] == SOURCE_PX
    groups = folds(data.person, FOLDS)
    seeds, scored = [], []
    for k, path in enumerate(wanted.nets):
        net = EyeNet()
        net.load_state_dict(torch.load(path, weights_only=True))
        group = k % FOLDS if wanted.only is None else wanted.only
        folded = wanted.folds or wanted.only is not None
        chosen = np.isin(data.person, groups[group]) if folded else np.ones(len(data), bool)
        logit = logits(net.eval(), data.part(chosen))
        scored.append((chosen, logit))
        seeds.append(figures(logit, data.closed[chosen] > 0.5, data.person[chosen]))
        print(path.name, json.dumps(seeds[-1]), file=sys.stderr)
    where = np.concatenate([np.flatnonzero(chosen) for chosen, _ in scored])
    logit = np.concatenate([answer for _, answer in scored])
    closed, person = data.closed[where] > 0.5, data.person[where]
    scale, shift = calibration(logit, closed, person)
    result = {
        "mean": {k: round(float(np.mean([s[k] for s in seeds])), 4) for k in ("balanced_accuracy", "auc")},
        "seeds": seeds,
        "all": figures(logit, closed, person),
        "calibrated": figures(scale * logit + shift, closed, person),
        "calibration": {"scale": round(scale, 4), "shift": round(shift, 4)},
        "by": {
            name: {str(v): figures(logit[values[where] == v], closed[values[where] == v], person[values[where] == v])
                   for v in np.unique(values)} for name, values in by.items()
        },
        "by_person": {str(p): figures(logit[person == p], closed[person == p], person[person == p])
                      for p in np.unique(person)},
    }  # fmt: skip
    text = json.dumps(result, indent=2)
    if wanted.out is None:
        print(text)
    else:
        wanted.out.write_text(text + "\n")
        print(json.dumps({k: result[k] for k in ("mean", "all", "calibrated", "calibration")}, indent=1))


if __name__ == "__main__":
    main()
