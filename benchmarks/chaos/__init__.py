"""Kill workers, Redis and API under load, and count jobs that are lost or that end twice.

`python -m benchmarks.chaos` lets the real stack serve a seeded mix of jobs while its processes are
killed and paused. When all is quiet, what the clients were told is compared with the records, the
event streams, the files and the keys. `--stock` sends the same mix, under the same strikes, through
plain Celery.
"""
