"""Models with their inputs, as exported programs."""
