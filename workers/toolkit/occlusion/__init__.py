"""Occlusion: the score of an image under every patch of a grid.

Only what each patch changes is computed wherever that is faster. Imports `attribution` and the
rooms below it.
"""
