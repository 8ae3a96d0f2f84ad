"""Rules and timers: `step(measurement, vehicle, t_ns) -> DriverState`, pure and deterministic."""
