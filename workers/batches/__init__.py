"""Batches: one job that runs a technique over the images of a set (jobs/batch.py)."""
