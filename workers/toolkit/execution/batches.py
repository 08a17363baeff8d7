"""How many images fit into one batch, from the memory that is free now.

Techniques cut their work into batches of a fixed size, so that the same seed draws the same numbers; where memory is
short a batch goes through the network in pieces of this size. It is a power of two: another size means other rounding.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, fx

from workers.toolkit.execution.dynamic_batching import BatchFunction
from workers.toolkit.network.network import Network, Rule

_SHARE = 0.25  # of the free memory: estimates are rough, and others live here too
_MOST = {"cpu": 32, "cuda": 256}  # larger batches are no faster
_CGROUP = Path("/sys/fs/cgroup")


def batch_size(
    network: Network, *paths: str, rule: Rule | None = None, gradient: bool = False
) -> int:
    """Images per batch for a pass up to those layers; with `gradient` every activation is held for the way back."""
    sizes = [
        _bytes(node) for node in network.part(paths, rule).graph.nodes if node.op == "call_function"
    ]
    held = sum(sizes) if gradient else sum(sorted(sizes)[-4:])
    fits = int(_SHARE * free_bytes(network.device) / max(held, 1))
    return power_of_two(min(fits, _MOST.get(network.device.type, 32)))


def power_of_two(most: int) -> int:
    """The largest that is not above, at least 1: sizes by free memory must not differ from one run to the next."""
    return 1 << (max(1, most).bit_length() - 1)


def in_pieces(at_once: BatchFunction, most: Callable[[], int]) -> BatchFunction:
    """The same, at most `most()` images at once; that is asked only where there are several."""

    def whole(asked: Sequence[Any], x: Tensor) -> Tensor:
        if len(x) == 1:
            return at_once(asked, x)
        step = most()
        return torch.cat(
            [at_once(asked[i : i + step], x[i : i + step]) for i in range(0, len(x), step)]
        )

    return whole


def free_bytes(device: torch.device) -> int:
    """Memory that this process may still take on the device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = psutil.virtual_memory().available
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    return free if limit is None or used is None else max(0, min(free, limit - used))


def _bytes(node: fx.Node) -> int:
    """Of the node's output for one image."""
    value = node.meta.get("val")
    if not isinstance(value, Tensor):
        return 0
    count = 1
    for size in value.shape[1:]:
        count *= int(size) if isinstance(size, int) else 1
    return count * value.element_size()


def _cgroup(name: str) -> int | None:
    """A number of the container that we may be in."""
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):
        return None
