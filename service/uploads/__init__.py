"""Reading and checking uploaded files without trusting them: images, arrays, zip files.

These modules may import `jobs` and `service.problems`, and know neither stores nor routes.
"""
