"""Models: build them, describe them, keep them warm."""
