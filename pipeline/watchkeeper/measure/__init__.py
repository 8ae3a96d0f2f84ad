"""From raw network outputs to lids, gaze, head, mouth and picture quality, each with a validity of its own."""
