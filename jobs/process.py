"""A process that must not outlive the one that started it."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None) -> None:
    """On Linux, ask the kernel for SIGKILL when the parent goes, even by SIGKILL. Elsewhere nothing happens.

    `parent` is who it should be: where that one has gone already, this process ends at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        sys.exit(1)


def limit_openmp_spinning() -> None:
    """Before torch is imported, in this process or one that it starts. What the user has set stays.

    On two cores a gradient of the default model takes 36 ms either way; with another job beside it 32 to 65 ms, where
    spinning for as long as it likes took 130 to 1,000. Not to spin at all costs 70 ms always.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")
