"""Threads of torch that spin only shortly while they wait: else they take the cores from whatever else runs."""

import os


def polite_threads() -> None:
    """Before torch is imported, in this process or one that it starts. What the user has set stays.

    On two cores a gradient of the default model takes 36 ms either way; with another job beside it 32 to 65 ms, where
    spinning for as long as it likes took 130 to 1,000. Not to spin at all costs 70 ms always.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")
