"""Taking away from a process, by its own hand and for good, what it has no need of. Linux only."""
