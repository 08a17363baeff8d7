"""Benchmarks of the service. Idle torch threads wait here as they do in a worker."""

from jobs.process import limit_openmp_spinning

limit_openmp_spinning()
