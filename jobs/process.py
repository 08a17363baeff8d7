"""Settings of an operating system process: its tie to its parent, its memory, its idle threads.

`python -m jobs.process PARENT COMMAND …` replaces itself by the command, which is killed when the
process with the id PARENT ends.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

# Numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_MAX_FREE_BYTES = 2**30


def die_with_parent(parent: int | None = None) -> None:
    """On Linux, ask the kernel to send SIGKILL to this process when its parent ends.

    Elsewhere nothing happens. `parent` is the expected parent: if it has ended already, this
    process exits at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        sys.exit(1)


def tethered(command: list[str]) -> list[str]:
    """Return the command that runs as a child of this process and is killed when this one ends."""
    return [sys.executable, "-P", "-m", "jobs.process", str(os.getpid()), *command]


def limit_openmp_spinning() -> None:
    """Limit how long idle OpenMP threads spin, unless the user has set OMP_WAIT_POLICY.

    Call it before torch is imported, in this process or in one that it starts.
    Measured on two cores with a gradient of the default model: 36 ms either way. With another job
    beside it, 32 to 65 ms instead of 130 to 1,000 ms with unlimited spinning. Without any spinning
    it always takes 70 ms.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "3000")


def keep_freed_memory() -> None:
    """Keep up to a gigabyte of freed memory in this process, where the C library is glibc.

    Large tensors then come from the heap. Fresh pages from the kernel cost more time than small
    operators do.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _MAX_FREE_BYTES)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 – the command takes this process over
