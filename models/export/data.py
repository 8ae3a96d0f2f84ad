"""Eye patches with what is known of each, from the two sources, in one form.

Rendered patches know everything; the infrared research set knows open or closed. NaN stands for "not known".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from augment import CROP_MM, SOURCE_MM

SOURCE_PX = 64
MRL_MM = 56.0  # what a patch of the research set covers, by the eyes in it
_SHUT, _OPEN = 0.93, 0.5  # commanded closure; what lies between is taught as a gap only
_SHUT_GAP, _LEAST_OPEN = 0.08, 0.22  # lid gap of a neutral eye


@dataclass
class EyePatches:
    """(n, 64, 64) uint8 over 60 mm, and a number each: person; closed 0 or 1; lid gap in cm; iris (n, 2), shares of the
    crop's side from the middle; visible 0..1."""

    patch: np.ndarray
    person: np.ndarray
    closed: np.ndarray
    opening: np.ndarray
    iris: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.patch)

    def part(self, chosen: np.ndarray) -> EyePatches:
        """The chosen ones (a mask or indices)."""
        return EyePatches(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def rendered(*paths: Path) -> EyePatches:
    """Patches of render_patches.py."""
    files = [np.load(path) for path in paths]
    row = {name: np.concatenate([f[name] for f in files]) for name in files[0].files}
    share = row["gap_mm"] / row["neutral_mm"]
    opening = np.clip(row["gap_mm"] / 10.0, 0.0, 1.4).astype(np.float32)
    eye = row["side"] < 2
    visible = np.where(eye, np.clip(row["visible"] / 0.6, 0, 1), 0.0).astype(np.float32)
    shut = (row["closure"] >= _SHUT) & (share <= _SHUT_GAP)
    wide = (row["closure"] <= _OPEN) & (share >= _LEAST_OPEN)
    closed = np.where(shut, 1.0, np.where(wide, 0.0, np.nan))
    closed[visible < 0.5] = np.nan
    opening[visible < 0.5] = np.nan
    iris = (row["iris_px"] / SOURCE_PX * (SOURCE_MM / CROP_MM)).astype(np.float32)
    iris[(visible < 0.5) | (share < 0.3)] = np.nan
    return EyePatches(row["patch"], row["person"], closed.astype(np.float32), opening, iris, visible)


def research(path: Path) -> EyePatches:
    """The infrared research set."""
    stored = np.load(path)
    side = round(SOURCE_PX * MRL_MM / SOURCE_MM)
    border = (SOURCE_PX - side) // 2
    far = SOURCE_PX - side - border
    patch = np.stack([
        cv2.copyMakeBorder(cv2.resize(p, (side, side), interpolation=cv2.INTER_CUBIC), border, far, border, far,
                           cv2.BORDER_REPLICATE) for p in stored["patches"]
    ])  # fmt: skip
    n = len(patch)
    nothing = np.full(n, np.nan, np.float32)
    closed = 1.0 - stored["is_open"].astype(np.float32)
    return EyePatches(patch, stored["subject"].astype(np.int64), closed, nothing, np.stack([nothing, nothing], 1),
                      np.ones(n, np.float32))  # fmt: skip


def folds(people: np.ndarray, count: int, seed: int = 7) -> list[np.ndarray]:
    """The people in `count` groups that share nobody."""
    return np.array_split(np.random.default_rng(seed).permutation(np.unique(people)), count)


class Balanced:
    """Draws patches: open, closed and other eyes alike often, and of each kind every person as often as he has patches
    of it, up to CAP: a person's one patch of a kind (person 6 has one open eye) is not drawn like hundreds."""

    CAP = 100

    def __init__(self, data: EyePatches, random: np.random.Generator) -> None:
        self._random = random
        kind = np.where(np.isnan(data.closed), 2, data.closed).astype(int)
        self._kinds: list[tuple[list[np.ndarray], np.ndarray]] = []
        for k in np.unique(kind):
            people = np.unique(data.person[kind == k])
            groups = [np.flatnonzero((data.person == person) & (kind == k)) for person in people]
            share = np.array([min(len(g), self.CAP) for g in groups], float)
            self._kinds.append((groups, share / share.sum()))

    def draw(self, count: int) -> np.ndarray:
        """Indices of `count` patches."""
        chosen = []
        for kind in self._random.integers(len(self._kinds), size=count):
            groups, share = self._kinds[kind]
            group = groups[self._random.choice(len(groups), p=share)]
            chosen.append(group[self._random.integers(len(group))])
        return np.array(chosen)


def batch(data: EyePatches, chosen: np.ndarray) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Pictures (n, 1, 64, 64) 0..1 and truth as tensors."""
    picked = data.part(chosen)
    truth = {k: torch.from_numpy(getattr(picked, k)) for k in ("closed", "opening", "iris", "visible")}
    return torch.from_numpy(picked.patch.astype(np.float32) / 255)[:, None], truth
