"""What is done with landmarks and grey levels on every frame (kernels/geometry_module.cc). Use `watchkeeper.measure`.

Arrays of another shape or type are a TypeError, counts that do not match a ValueError.
"""

import numpy as np
import numpy.typing as npt

class HeadPoseSolver:
    """Lays a rigid model over seen points. Holds its working memory: one for each thread."""

    def __init__(
        self,
        model_mm: npt.NDArray[np.float64],  # (n, 3)
        outward: npt.NDArray[np.float64],  # (n, 3), unit length
        weights: npt.NDArray[np.float64],  # (n,)
        *,
        cauchy_mm: float,
        converged_rad: float,
        nearest_mm: float,
        farthest_mm: float,
        worst_fit_mm: float,
        facing_most: float,
        turned_deg: tuple[float, float],
        facing: tuple[float, float],
        hidden_say: float,
        inside_mm: npt.NDArray[np.float64],  # (3,)
    ) -> None: ...
    def refine(
        self,
        rotation: npt.NDArray[np.float64],  # (3, 3)
        translation_mm: npt.NDArray[np.float64],  # (3,)
        seen: npt.NDArray[np.float64],  # (n, 2) on the plane z = 1
        steps: int,
        new_rotation: npt.NDArray[np.float64],
        new_translation_mm: npt.NDArray[np.float64],
    ) -> float | None:
        """Weighted root mean square misfit in mm, with the pose in new_*; None where no face lies so."""

def place_landmarks(
    raw: npt.NDArray[np.float32],  # (n, 3)
    middle: float,
    cosine: float,
    sine: float,
    scale: float,
    cx: float,
    cy: float,
    out: npt.NDArray[np.float32],  # (n, 3)
) -> None:
    """Turn, scale and shift landmarks from a network's input into the picture; z is scaled only."""

def bounds(points: npt.NDArray[np.float32]) -> tuple[float, float, float, float] | None:
    """x, y of the least and of the greatest of (n, 3) points; None without points, or where one is not finite."""

def grey_levels(histogram: npt.NDArray[np.uint32], shares: list[float]) -> list[float] | None:
    """Grey levels below which `shares` of the (256,) counts lie; None without any."""
