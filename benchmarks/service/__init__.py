"""Benchmarks of the service. Here torch waits as it does in a worker, whatever imports it first."""

from jobs.process import polite_threads

polite_threads()
