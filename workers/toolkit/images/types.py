"""Types of the images room that other rooms use."""

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""
