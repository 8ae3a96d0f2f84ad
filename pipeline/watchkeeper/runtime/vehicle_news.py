"""What is new in the supervisor's report since the last picture: the vehicle's signals, a request to forget."""

from __future__ import annotations

from watchkeeper.types import VehicleReport, VehicleSignals


class VehicleNews:
    """`step` once a frame with the newest report. baseline_resets: requests heard of, None before the first report."""

    def __init__(self) -> None:
        self.baseline_resets: int | None = None
        self._t_ns = 0

    def step(self, report: VehicleReport | None) -> tuple[VehicleSignals | None, bool]:
        """(signals if the vehicle sent anew, whether what was learned of the driver is to be forgotten).

        The state machine holds old signals itself. Of requests from before this process nothing is left to forget.
        """
        if report is None:
            return None, False
        forget = self.baseline_resets is not None and report.baseline_resets != self.baseline_resets
        self.baseline_resets = report.baseline_resets
        if report.t_ns == self._t_ns:
            return None, forget
        self._t_ns = report.t_ns
        return report.signals, forget
