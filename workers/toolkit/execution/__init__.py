"""How a technique runs: its context, its batches in the memory there is, and its checkpoints.

Imports `network`, `images` and `errors`.
"""
