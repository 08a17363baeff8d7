"""The workers: models, techniques and the Celery side of a job."""
