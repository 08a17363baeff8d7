"""Benchmarks of the service. Here torch waits as it does in a worker, whatever imports it first."""

from jobs.process import limit_openmp_spinning

limit_openmp_spinning()
