"""Detail finer than the output can hold has to be averaged away, not folded into stripes that are not there."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.commands.bench_aliasing import SIDE, Case, cases, errors, exact, ours
from watchkeeper.preprocess import plan

# RMS error on 0..255 against the exact area, by reduction: a tenth more than measured (kernels/ROOFLINE.md). What is
# left of the turned ones is the triangle of one bilinear point against the area's square.
MOST_RMS_LEVELS = {1.69: 25.0, 2.53: 22.5, 5.06: 15.5, 10.0: 0.01, 7.3: 0.17}


def one_point(case: Case) -> tuple[float, float]:
    """Errors of one bilinear point a pixel, as warpAffine alone would do it."""
    m, picture = case.affine, case.picture.astype(float)
    x, y = np.arange(SIDE)[None, :] + 0.5, np.arange(SIDE)[:, None] + 0.5
    px, py = m.a * x + m.b * y + m.c - 0.5, m.d * x + m.e * y + m.f - 0.5
    x0, y0 = np.floor(px).astype(int), np.floor(py).astype(int)
    tx, ty = px - x0, py - y0
    upper = picture[y0, x0] * (1 - tx) + picture[y0, x0 + 1] * tx
    lower = picture[y0 + 1, x0] * (1 - tx) + picture[y0 + 1, x0 + 1] * tx
    return errors(upper * (1 - ty) + lower * ty, exact(case.picture, m, SIDE))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_a_reduction_is_near_the_exact_area(case: Case) -> None:
    rms, most = errors(ours(case), exact(case.picture, case.affine, SIDE))
    print(f"{case.name}: {rms:.2f} RMS, {most:.1f} at most; one point: {one_point(case)}")
    assert rms <= MOST_RMS_LEVELS[case.reduction]
    if case.reduction >= 2.0:  # below, one point is what the pass takes
        assert rms < 0.6 * one_point(case)[0]


def test_the_reference_is_the_mean_where_that_is_plain() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (12, 12), dtype=np.uint8)
    upright = exact(picture, plan.Affine(3.0, 0.0, 0.0, 0.0, 3.0, 0.0), 4)
    np.testing.assert_allclose(upright, picture.reshape(4, 3, 4, 3).mean(axis=(1, 3)))
    # A quarter turn by points: x goes down, y to the left.
    turned = exact(picture, plan.Affine(0.0, -3.0, 12.0, 3.0, 0.0, 0.0), 4)
    np.testing.assert_allclose(turned, np.rot90(upright, 1), atol=1e-9)
