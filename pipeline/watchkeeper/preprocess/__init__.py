"""From a camera's own pixel format to an engine's input in one pass."""
