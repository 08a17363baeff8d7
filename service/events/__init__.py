"""Changes and events of jobs, from Redis to the clients that wait for them or watch them.

These modules may import `jobs` and `service.problems`.
"""
