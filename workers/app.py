"""The Celery app of the workers: `celery -A workers.app worker -Q slow,fast`.

The settings of the process come first, since torch reads them when it is imported. A broken file of
custom models ends the start with one sentence, and so does a collector of traces without the extra
`otel`.
"""

import sys

from catalog.errors import CatalogError
from catalog.models import models
from jobs.process import keep_freed_memory, limit_openmp_spinning
from jobs.queue import app
from jobs.tracing import wants_tracing
from workers import lifecycle, tasks

limit_openmp_spinning()
keep_freed_memory()
try:
    models()
    wants_tracing()
except (CatalogError, ImportError) as error:
    sys.exit(f"retinoscope: {error}")

__all__ = ["app", "lifecycle", "tasks"]
