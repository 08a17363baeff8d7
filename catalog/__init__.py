"""The catalog: techniques, their parameters, models and targets.

It may import pydantic and the standard library only.
"""
