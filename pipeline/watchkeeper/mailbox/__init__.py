"""Shared memory between the two processes: sequence lock, layout hash."""
