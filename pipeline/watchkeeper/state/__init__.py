"""Rules: what the driver does, judged after a named rule set. Standard library only, pure, timers on t_ns."""
