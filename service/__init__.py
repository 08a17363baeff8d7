"""The HTTP API, built with FastAPI. It may import `catalog` and `jobs`, and never imports torch."""
