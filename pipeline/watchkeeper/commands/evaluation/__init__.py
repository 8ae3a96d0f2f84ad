"""`evaluate`: measurements held against the truth: scores, events, tables by condition."""
