"""Memory that was freed stays with the process: fresh pages cost more time than small operators do."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h
_MOST = 2**30  # bytes that are free at the end of the heap


def keep_freed_memory() -> None:
    """Large tensors come from the heap, of which up to a gigabyte is not given back. Without glibc nothing is done."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _MOST)
