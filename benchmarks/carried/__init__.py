"""How many jobs a second one Redis carries: `python -m benchmarks.carried`."""
