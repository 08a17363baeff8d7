"""Batch sizes that fit into the memory that is free now.

Techniques cut their work into batches of a fixed size, so that the same seed draws the same
numbers. Where memory is short, a batch passes through the network in pieces of the size that is
estimated here. It is a power of two, because another size means other rounding.
"""

from collections.abc import Callable

from torch import Tensor, fx

from workers.toolkit.execution.device_memory import free_bytes
from workers.toolkit.execution.dynamic_batching import BatchableFunction, BatchFunction
from workers.toolkit.network.network import Network, Rule

# Share of the free memory to use: estimates are rough, and other processes use the memory too.
_SHARE = 0.25
# Larger batches are no faster.
_MOST = {"cpu": 32, "cuda": 256}


def batch_size(
    network: Network, *paths: str, rule: Rule | None = None, gradient: bool = False
) -> int:
    """Estimate how many images fit into one pass up to the layers `paths`.

    With `gradient`, every activation is held until the backward pass.
    """
    part = network.part(paths, rule)
    sizes = [_bytes(node) for node in part.graph.nodes if node.op == "call_function"]
    held = sum(sizes) if gradient else sum(sorted(sizes)[-4:])
    fits = int(_SHARE * free_bytes(network.device) / max(held, 1))
    return power_of_two(min(fits, _MOST.get(network.device.type, 32)))


def power_of_two(most: int) -> int:
    """Round down to a power of two (at least 1), so that batch sizes are stable between runs."""
    return 1 << (max(1, most).bit_length() - 1)


def in_pieces(function: BatchFunction, most: Callable[[], int]) -> BatchFunction:
    """Delegate to BatchableFunction."""
    return BatchableFunction((), None, function, most).run


def _bytes(node: fx.Node) -> int:
    """Return the size of the node's output for one image."""
    value = node.meta.get("val")
    if not isinstance(value, Tensor):
        return 0
    count = 1
    for size in value.shape[1:]:
        count *= int(size) if isinstance(size, int) else 1
    return count * value.element_size()
