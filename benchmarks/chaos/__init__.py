"""`python -m benchmarks.chaos`: is a job lost, or ended twice, when workers, Redis and API are killed under load?

The real stack serves a seeded mix of jobs while its processes are killed and paused; when all is quiet, what the
clients were told is compared with the records, the event streams, the files and the keys. `--stock` sends the same mix,
under the same strikes, through Celery as it comes.
"""
