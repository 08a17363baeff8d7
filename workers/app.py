"""What `celery -A workers.app worker -Q slow,fast` starts."""

from jobs.queue import app
from workers import lifecycle, tasks

__all__ = ["app", "lifecycle", "tasks"]
