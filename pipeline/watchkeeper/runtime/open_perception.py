"""A Perception as the settings of a run have it."""

from __future__ import annotations

from watchkeeper.inference.engine import Progress
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.settings import Settings


def perception_for(
    settings: Settings,
    *,
    work: Unhurried | None = None,
    on_build: Progress | None = None,
    weights: str | None = None,
    thorough: bool = False,
) -> Perception:
    """Camera, engine, preprocessor and options of `settings`; weights: other than the board's. thorough and what it
    raises: as Perception."""
    return Perception(
        settings.camera,
        settings.engine,
        settings.preprocess,
        options=settings.options,
        work=work,
        on_build=on_build,
        weights=weights or settings.board.eye_weights,
        thorough=thorough,
    )
