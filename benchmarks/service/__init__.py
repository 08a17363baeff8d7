"""Benchmarks of the service. Here torch waits as it does in a worker, whatever imports it first."""

from jobs.polite_threads import polite_threads

polite_threads()
