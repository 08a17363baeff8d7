"""What `celery -A workers.app worker -Q slow,fast` starts."""

import sys

from catalog.errors import CatalogError
from catalog.models import models
from jobs.process import limit_openmp_spinning
from jobs.queue import app
from workers import lifecycle, tasks
from workers.malloc import keep_freed_memory

limit_openmp_spinning()
keep_freed_memory()
try:
    models()
except CatalogError as error:
    sys.exit(f"retinoscope: {error}")

__all__ = ["app", "lifecycle", "tasks"]
