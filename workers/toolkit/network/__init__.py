"""A model as a graph of operators: its layers, parts, receptive fields, weights and units.

Imports `images` and `errors`, and torch.
"""
