"""The vision process: the only place that knows all stages."""
