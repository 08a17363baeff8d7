"""ASGI middleware that sees every request before FastAPI does.

It may import `jobs`, `service.addresses`, `service.key_guard` and `service.problems`.
"""
