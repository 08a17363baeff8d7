"""Everything that makes or changes a picture by optimization, all run by `engine.optimize`.

It may import the rooms images, network, execution and rendering.
"""
