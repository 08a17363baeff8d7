"""The images and places of a set that activate the channels of a layer most.

Imports `rendering`, `execution`, `network`, `images` and `errors`.
"""
