"""The driver's state from measurements: `DriverStateMachine.step`, pure and deterministic, timers on `t_ns` only."""

from __future__ import annotations

from watchkeeper.state import limits
from watchkeeper.state.arbiter import STYLES, Arbiter
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.class_levels import ClassLevels
from watchkeeper.state.closures import Closures
from watchkeeper.state.glances import Glances
from watchkeeper.state.profiles import Profile
from watchkeeper.state.rules import Patience, build_rules
from watchkeeper.state.short_glances import ShortGlances
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.state.vehicle import Vehicle
from watchkeeper.state.visibility import Visibility
from watchkeeper.types import (
    Cabin,
    Cause,
    DriverBaseline,
    DriverState,
    EyeState,
    GazeZone,
    Measurement,
    VehicleSignals,
)
from watchkeeper.types import (
    Warning as DriverWarning,
)

_AWAKE_NS, _SLEEPY = limits.BASELINE_AWAKE.ns, limits.KSS_QUESTIONABLE.value
_GOOD_STD_DEG = limits.GAZE_GOOD_STD.value
_LEARNED_PCT = 100.0
_KNOWN = (EyeState.OPEN, EyeState.CLOSED)


class DriverStateMachine:
    """Measurements and vehicle signals in, the driver's state and the warning he gets out.

    profile: the rule set. cabin: where things are in front of this driver. baseline: what is
    learned of him, to be read out and handed in (`Baseline.numbers`, `restore`).
    """

    def __init__(self, profile: Profile, cabin: Cabin) -> None:
        self.profile = profile
        self.baseline = Baseline()
        self._closures = Closures(self.baseline)
        self._glances = Glances(cabin, profile.look_back.ns, self.baseline)
        self._vehicle = Vehicle(profile.active_from.value)
        self._visibility = Visibility()
        self._short: ShortGlances | None = None
        if profile.short_distraction is not None:
            self._short = ShortGlances(profile, self._glances, profile.short_distraction.ns)
        patience = Patience()
        self._sleepiness = Sleepiness(self._closures, self.baseline)
        rules = build_rules(
            profile, self._closures, self._glances, self._vehicle, self._short, self._sleepiness, patience
        )
        steps_ns = [step.ns for step in profile.steps]
        self._levels = ClassLevels(rules, steps_ns)
        self._arbiter = Arbiter(rules, steps_ns, patience)
        self._t_ns: int | None = None
        self._seq = 0
        self._was_active = False

    @property
    def learned(self) -> DriverBaseline | None:
        """What is to be kept of this driver; None before enough was learned."""
        return self.baseline.numbers if self.baseline.progress_pct >= _LEARNED_PCT else None

    def recall(self, kept: DriverBaseline) -> None:
        """Go on from what was kept. Raises BadInputError for what cannot have been learned."""
        self.baseline.restore(kept)

    def step(self, measurement: Measurement | None, vehicle: VehicleSignals | None, t_ns: int) -> DriverState:
        """Judge what is known at `t_ns` (end of exposure of `measurement`; nanoseconds, not before the last step's).

        measurement: this frame's; None when no frame came. vehicle: what arrived since the last step; None when
        nothing did, and then the last values hold 500 ms. Never raises: an earlier `t_ns` counts as the last one, a
        value that is not finite as not measured.
        """
        last_ns = self._t_ns
        t_ns = t_ns if last_ns is None else max(t_ns, last_ns)
        self._t_ns = t_ns
        closures, glances, visibility, car, arbiter = (
            self._closures, self._glances, self._visibility, self._vehicle, self._arbiter,
        )  # fmt: skip
        car.step(vehicle, t_ns)
        closures.step(measurement, t_ns)
        glances.step(measurement, closures.closed_now, car, t_ns)
        visibility.step(measurement, closures.left, closures.right, t_ns)
        if car.active and not self._was_active:
            # What the driver did while nobody judged is not held against him.
            closures.lids.since_start_of_judging(t_ns)
            glances.since_start_of_judging(t_ns)
        self._was_active = car.active
        if self._short is not None:
            self._short.step(t_ns)
        sleepiness = self._sleepiness
        sleepiness.step(measurement, t_ns)
        self._levels.step(car.active, t_ns)
        events = arbiter.step(car.active, car.acknowledged, t_ns)
        self._levels.join(arbiter)
        if measurement is not None:
            self._seq = measurement.seq
        cause = visibility.cause
        self.baseline.step(measurement, self._attentive(t_ns), car.speed_kph, cause is Cause.NO_FACE, t_ns)
        if cause is Cause.NONE and car.speed_missing:
            cause = Cause.SPEED_MISSING
        warning, level = arbiter.warning, arbiter.level
        style = STYLES[warning] if warning is not DriverWarning.NONE else None
        # What a running warning hangs on is not forgotten while the driver is out of sight.
        distracted = style is not None and not style.sleep_class
        glances.away.keep = glances.area3.keep = glances.phone.keep = distracted
        closures.lids.keep = style is not None and style.sleep_class
        away, lids = glances.away, closures.lids
        return DriverState(
            t_ns=t_ns,
            seq=self._seq,
            active=car.active,
            cause=cause,
            calibration_pct=self.baseline.progress_pct,
            warning=warning,
            level=level,
            distraction_level=self._levels.distraction,
            drowsiness_level=self._levels.drowsiness,
            visual=style is not None,
            acoustic=0 if style is None or arbiter.acknowledged else style.acoustic,
            haptic=style is not None and level >= style.haptic_from_level,
            warning_count=arbiter.count,
            onset_ns=arbiter.onset_ns,
            acknowledged=arbiter.acknowledged,
            driver_present=visibility.presence,
            left_eye=closures.left if measurement is not None else EyeState.UNKNOWN,
            right_eye=closures.right if measurement is not None else EyeState.UNKNOWN,
            gaze_zone=glances.zone,
            away_s=away.duration_ns / 1e9 if away.value else 0.0,
            closed_s=lids.duration_ns / 1e9 if lids.value else 0.0,
            perclos_pct=None if sleepiness.perclos is None else 100.0 * sleepiness.perclos,
            sleepiness_kss=sleepiness.kss,
            confidence=_confidence(measurement, closures, glances),
            head=measurement.head if measurement is not None else None,
            gaze=measurement.gaze if measurement is not None else None,
            events=events,
        )

    def _attentive(self, t_ns: int) -> bool:
        """Is there something to learn: gaze ahead, awake for a while, not sleepy, not yawning, nothing warned of."""
        away, closures, sleepiness = self._glances.away, self._closures, self._sleepiness
        closed_ns = sleepiness.long_closure_ns
        return (
            away.value is False
            and not self._glances.away_now
            and closures.asleep.value is False
            and not closures.squeezed
            and (closed_ns is None or t_ns - closed_ns > _AWAKE_NS)
            and (sleepiness.kss is None or sleepiness.kss < _SLEEPY)
            and self._arbiter.warning is DriverWarning.NONE
        )


def _confidence(measurement: Measurement | None, closures: Closures, glances: Glances) -> int:
    """0 nothing seen, 1 lids or direction, 2 both, 3 both eyes and a gaze sharp enough to tell road from cluster."""
    if measurement is None:
        return 0
    eyes = (closures.left in _KNOWN) + (closures.right in _KNOWN)
    direction = glances.zone is not GazeZone.UNKNOWN or closures.closed_now is True or glances.away_now is not None
    if not eyes or not direction:
        return 1 if eyes or direction else 0
    gaze = measurement.gaze
    sharp = gaze is not None and (gaze.std_deg is None or gaze.std_deg <= _GOOD_STD_DEG)
    return 3 if eyes == 2 and sharp else 2
