"""Pictures of maps, curves, filters and sheets of several pictures.

Imports `execution`, `network`, `images` and `errors`.
"""
