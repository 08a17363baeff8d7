"""`python -m retinoscope.tether COMMAND …`: becomes the command, and dies when the parent dies, even by SIGKILL."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tether(parent: int) -> None:
    """On Linux, ask the kernel for SIGKILL when the parent goes. Elsewhere a killed parent leaves its children."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request
        sys.exit(1)


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 — to become the command is the point
