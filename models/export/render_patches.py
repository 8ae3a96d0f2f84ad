"""Eye patches with exact truth, rendered in bulk with the driver renderer (render_driver.py).

    python render_patches.py --renderer DIR --out PATCHES.npz --people 200 --each 80 --seed 1

The renderer draws only what lies around the eyes (208 x 120 px, about 1.1 px a mm), so one picture costs a tenth of a
full frame's. Every picture gives two eyes and one patch that shows none. A patch covers 60 mm (64 px), more than the
network is given: training shifts, turns and zooms inside it.

Written: patch (n, 64, 64) uint8; person, side (0 the driver's left, 2 no eye), closure (commanded, 0..1), gap_mm and
neutral_mm (lids on the mesh), iris_px (x, y from the patch's middle), visible (share of the lids' skin that no other
part hides, 0 behind sunglasses), yaw_deg and pitch_deg of the camera as the face sees it, glasses, colour.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIDE_PX, SIDE_MM = 64, 60.0
_VIEW = (208, 120)
_PX_PER_MM = SIDE_PX / SIDE_MM
_NO_EYE = 2


def lids(random: np.random.Generator) -> np.ndarray:
    """Commanded closure of both eyes: shut, open, or on the way; one in eight drivers winks."""

    def one() -> float:
        kind = random.random()
        if kind < 0.36:
            return float(random.uniform(0.9, 1.0))
        if kind < 0.74:
            return float(abs(random.normal(0.0, 0.06)))
        return float(random.uniform(0.1, 0.9))

    both = np.full(2, one())
    if random.random() < 0.12:
        both[random.integers(2)] = one()
    return np.clip(both, 0.0, 1.0)


def character(person: Any, random: np.random.Generator) -> None:
    """Eyes of this person's own: narrow or wide, heavy lids, low brows. Changes the resting mesh."""
    weights = {13: random.uniform(-0.12, 0.30), 15: random.uniform(0.0, 0.7), 17: random.uniform(0.0, 0.35),
               1: random.uniform(-0.3, 0.6), 0: random.uniform(-0.2, 0.3)}  # fmt: skip
    weights.update({14: weights[13] + random.normal(0, 0.03), 16: weights[15], 18: weights[17], 2: weights[1]})
    for index, weight in weights.items():
        person.V = person.V + weight * person.T[index]
    person.ap0 = np.array([person.V[a, 1] - person.V[b, 1] for a, b in person.lid])
    # What is left to close is less for an eye that hangs already.
    person.own = np.array([weights[13], weights[14]])


class Patches:
    """All patches of one person."""

    def __init__(self, renderer: Any, seed: int) -> None:
        self.r, self.random = renderer, np.random.default_rng([seed, 77])
        self.colour = bool(self.random.random() < 0.25)
        timeline = {"seed": seed, "color": self.colour, "supersample": 1.5, "camera": {"size": list(_VIEW)}}
        if self.random.random() < 0.5:
            timeline["ir_dark"] = True
        self.scene = renderer.Renderer(timeline)
        character(self.scene.p, self.random)
        self.seed, self.rows = seed, []
        self.skin = self._lid_skin()
        self.glasses = "glasses" if self.random.random() < 0.35 else "none"

    def _lid_skin(self) -> list[np.ndarray]:
        p = self.scene.p
        found = []
        for a, b in p.lid:
            middle = (p.V[a] + p.V[b]) / 2
            off = np.abs(p.V - middle)
            found.append(np.flatnonzero((off[:, 0] < 1.5) & (off[:, 1] < 0.8) & (off[:, 2] < 1.2) & (p.mat == 0)))
        return found

    def draw(self, occluder: str) -> None:
        """One picture of this person: a pose, a look and lids at random; both eyes and one patch beside them."""
        r, q, scene = self.r, self.random, self.scene
        p = scene.p
        head = np.array([q.normal(0, 20), q.normal(-2, 10), q.normal(0, 6)])
        eyes = np.clip([q.normal(0, 13), q.normal(-6, 12)], [-40, -38], [40, 24])
        rotation = r.rot(*head)
        closure = lids(q)
        down, up = float(np.clip(-eyes[1] / 35, 0, 1.1)), float(np.clip(eyes[1] / 25, 0, 1))
        shapes: dict[int, float] = {}
        for k, sign in ((0, 1.0), (1, -1.0)):
            inward, left = -eyes[0] * sign, 1 - closure[k]
            values = {"blink": min(closure[k] * (1 - p.own[k]) + 0.30 * down * left, 1.0),
                      "lookDown": 0.8 * down * left, "lookUp": 0.7 * up * left,
                      "lookIn": 0.6 * float(np.clip(inward / 40, 0, 1)) * left,
                      "lookOut": 0.6 * float(np.clip(-inward / 40, 0, 1)) * left,
                      "squint": 0.1 * closure[k]}  # fmt: skip
            for name, value in values.items():
                shapes[r.B[name][k]] = float(value)
        shapes[r.B["jaw"]] = float(max(0.0, q.normal(0.0, 0.2)))
        smile = float(max(0.0, q.normal(0, 0.35)))
        shapes[r.B["smile"][0]] = shapes[r.B["smile"][1]] = smile
        centre = (p.eyeC.mean(axis=0) + np.array([0, 0, 1.5]) - r.PIVOT) @ rotation.T + r.PIVOT
        distance = q.uniform(450, 950)
        field = np.degrees(2 * np.arctan(_VIEW[0] / 2 / _PX_PER_MM / (distance - 60)))
        scene.cam = r.Camera({"size": list(_VIEW), "hfov_deg": float(field), "azimuth_deg": float(q.uniform(-25, 25)),
                              "elevation_deg": float(q.uniform(-22, 12)), "distance_mm": distance,
                              "target_mm": (centre * 10).tolist()})  # fmt: skip
        scene.tl.update(ir=float(q.uniform(0.3, 1.3)), window=float(q.choice([0.02, 0.2, 0.45, 1.0, 1.8])))
        verge = np.degrees(np.arctan2(3.29, 150.0)) / 2
        state = {"t": float(q.uniform(0, 9)), "head": head, "pos": np.zeros(3), "bs": shapes, "present": True,
                 "eye": [(eyes[0] - verge, eyes[1]), (eyes[0] + verge, eyes[1])], "occ": occluder, "speed": 60.0,
                 "light": float(q.uniform(0.4, 1.5)), "expo": float(q.uniform(0.6, 1.5)),
                 "pupil": float(q.uniform(0.15, 0.42))}  # fmt: skip
        image, gaps = scene.draw(state)
        image = (
            image.reshape(image.shape[:2])
            if image.ndim == 2 or image.shape[2] == 1
            else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        )
        mesh = p.V.copy()
        for index, weight in shapes.items():
            mesh = mesh + weight * p.T[index]

        def at(x: np.ndarray) -> np.ndarray:
            return (np.atleast_2d(x) - r.PIVOT) @ rotation.T + r.PIVOT

        normals = r.normals(mesh, p.F, p.weld, p.nw) @ rotation.T
        towards = rotation.T @ (scene.cam.pos - centre)
        view = np.degrees([np.arctan2(towards[0], towards[2]), np.arcsin(towards[1] / np.linalg.norm(towards))])
        turn = self._image_roll(at, p)
        # from near the front nothing but the lids themselves can hide an eye: no second picture is needed for that
        depth = self._depth_without_glasses(state) if abs(view[0]) > 18.0 or occluder == "none" else None
        for k in (0, 1):
            a, b = p.lid[k]
            middle = scene.cam.project(at((p.V[a] + p.V[b]) / 2))[0]
            y, x = state["eye"][k]
            share = r.EYE_REAL / r.EYE_R
            look = r.rot(*(np.degrees(np.arcsin(share * np.sin(np.radians(v)))) for v in (y, x))) @ [0, 0, 1.0]
            iris = scene.cam.project(at(p.eyeC[k] + look * 1.93 * p.scale.mean() * 0.995))[0]
            seen = self._visible(at(mesh[self.skin[k]]), normals[self.skin[k]], depth)
            seen = 0.0 if "sun" in occluder else seen
            self._keep(image, middle, turn, k, closure[k], gaps[k] * 10, p.ap0[k] * 10, iris, seen, view, occluder)
        off = q.uniform(34, 70) * _PX_PER_MM
        angle = q.uniform(0, 2 * np.pi)
        beside = scene.cam.project(at(p.V[p.lid[q.integers(2)][0]]))[0]
        beside = beside + off * np.array([np.cos(angle) * 0.5, np.sin(angle)])
        self._keep(image, beside, turn, _NO_EYE, 0.0, 0.0, 1.0, beside, 0.0, view, occluder)

    def _depth_without_glasses(self, state: dict[str, Any]) -> np.ndarray:
        """Depth (h, w) of skin and hair in cm along the camera's axis."""
        scene = self.scene
        if any(c[0] in (self.r.LENS, self.r.FRAME) for c in scene.calls):
            kept = scene.calls
            scene.calls = [c for c in kept if c[0] not in (self.r.LENS, self.r.FRAME)]
            try:
                scene.draw(state)
            finally:
                scene.calls = kept
        w, h = scene.size
        raw = np.frombuffer(scene.ms.read(components=1, attachment=-1, dtype="f4"), np.float32).reshape(h, w)
        near, far = 2.0, 2000.0
        return 2 * near * far / (far + near - (2 * raw - 1) * (far - near))

    def _visible(self, points: np.ndarray, normals: np.ndarray, depth: np.ndarray | None) -> float:
        scene = self.scene
        to_camera = scene.cam.pos - points
        facing = (normals * to_camera).sum(axis=1) > 0.12 * np.linalg.norm(to_camera, axis=1)
        if depth is None:
            return float(facing.mean())
        away = (points - scene.cam.pos) @ scene.cam.R.T
        px = np.round(scene.cam.project(points) * scene.ss).astype(int)
        h, w = depth.shape
        inside = (px >= 0).all(axis=1) & (px[:, 0] < w) & (px[:, 1] < h)
        px = np.clip(px, 0, [w - 1, h - 1])
        free = away[:, 2] - depth[px[:, 1], px[:, 0]] < 0.35
        return float((inside & facing & free).mean())

    def _image_roll(self, at: Any, p: Any) -> float:
        left, right = (self.scene.cam.project(at((p.V[a] + p.V[b]) / 2))[0] for a, b in p.lid)
        return float(np.arctan2(left[1] - right[1], left[0] - right[0]))

    def _keep(self, image: np.ndarray, middle: np.ndarray, turn: float, side: int, closure: float, gap: float,
              neutral: float, iris: np.ndarray, seen: float, view: np.ndarray, occluder: str) -> None:  # fmt: skip
        c, s = np.cos(turn), np.sin(turn)
        half = SIDE_PX / 2 - 0.5
        inverse = np.array([[c, -s, middle[0] - c * half + s * half], [s, c, middle[1] - s * half - c * half]])
        patch = cv2.warpAffine(image, inverse, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                               borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        d = iris - middle
        self.rows.append((patch, self.seed, side, closure, gap, neutral, (c * d[0] + s * d[1], -s * d[0] + c * d[1]),
                          seen, view[0], view[1], "glasses" in occluder, self.colour))  # fmt: skip


def quicken(renderer: Any) -> None:
    """The base mesh is subdivided once for all people, and wide blurs of the skin go over a smaller picture."""
    whole = renderer.cv2.GaussianBlur

    def blur(picture: np.ndarray, size: tuple[int, int], sigma: float, *rest: Any) -> np.ndarray:
        if sigma < 10 or min(picture.shape[:2]) < 512:
            return whole(picture, size, sigma, *rest)
        small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        return cv2.resize(whole(small, size, sigma / 4), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    mesh = renderer.subdivide(*_mesh(renderer))
    renderer.subdivide = lambda *_: mesh
    tools = types.SimpleNamespace(**{n: getattr(cv2, n) for n in dir(cv2) if not n.startswith("__")})
    tools.GaussianBlur = blur
    renderer.cv2 = tools


def _mesh(renderer: Any) -> tuple[np.ndarray, ...]:
    stored = np.load(Path(renderer.HERE) / "assets" / "head.npz")
    return stored["V"], stored["F"], stored["U"], stored["T"].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renderer", type=Path, required=True, help="folder of render_driver.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--each", type=int, default=80, help="pictures a person")
    parser.add_argument("--seed", type=int, default=1000, help="of the first person")
    wanted = parser.parse_args()
    os.environ.setdefault("LP_NUM_THREADS", "1")
    sys.path.insert(0, str(wanted.renderer))
    renderer = importlib.import_module("render_driver")
    quicken(renderer)
    rows: list[tuple[Any, ...]] = []
    began = time.monotonic()
    for i in range(wanted.people):
        person = Patches(renderer, wanted.seed + i)
        for j in range(wanted.each):
            # accessories are built anew when they change: a few long runs rather than many short ones
            occluder = "sunglasses" if j >= wanted.each * 0.94 else person.glasses
            person.draw(occluder)
        rows += person.rows
        person.scene.g.release()
        if i % 10 == 9 or i + 1 == wanted.people:
            write(wanted.out, rows)
            print(f"{i + 1} people, {len(rows)} patches, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def write(path: Path, rows: list[tuple[Any, ...]]) -> None:
    names = ("patch", "person", "side", "closure", "gap_mm", "neutral_mm", "iris_px", "visible", "yaw_deg",
             "pitch_deg", "glasses", "colour")  # fmt: skip
    columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}
    columns = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in columns.items()}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **columns)
    part.replace(path)


if __name__ == "__main__":
    main()
