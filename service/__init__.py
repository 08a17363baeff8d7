"""HTTP: FastAPI. Never imports torch."""
