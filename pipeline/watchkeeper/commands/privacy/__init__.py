"""`privacy-report`: the product under observation, and what was seen of it."""
