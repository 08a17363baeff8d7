"""Models: build, load and describe them, and keep them in memory. No Celery, Redis or HTTP here."""
