"""Memory of a device: how much of it is free, and which errors mean that it ran out."""

from pathlib import Path

import psutil
import torch

from workers.toolkit.errors import OutOfMemory

_CGROUP = Path("/sys/fs/cgroup")

# Messages of torch's CPU allocator and of the C++ library, for which torch has no error class.
_MESSAGES = ("DefaultCPUAllocator", "not enough memory", "std::bad_alloc")


def free_bytes(device: torch.device) -> int:
    """Return how many bytes this process may still allocate on the device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = psutil.virtual_memory().available
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    return free if limit is None or used is None else max(0, min(free, limit - used))


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the error means that memory ran out, on any device."""
    if isinstance(error, OutOfMemory | torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _MESSAGES)


def _cgroup(name: str) -> int | None:
    """Return a number from the limits of the container that this process may run in."""
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):
        return None
