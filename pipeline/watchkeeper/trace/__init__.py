"""What happened when: per-stage times, drops by cause, percentiles."""
