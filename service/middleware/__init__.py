"""ASGI middleware that sees every request before FastAPI does.

It may import `jobs` and `service.problems`.
"""
