"""Maps of what a model's output depends on, and tests of how far to trust such a map.

Imports `rendering`, `execution`, `network`, `images` and `errors`.
"""
