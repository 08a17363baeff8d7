"""Compare each listed layer with what its module returns, as a forward hook sees it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from workers.models.compare_network import error_of
from workers.models.double_precision import Differentiated
from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.layers import call_of
from workers.toolkit.network.network import Network
from workers.toolkit.network.optimizations import NONE

# Outputs of layers that are held at once.
_GROUP_BYTES = 256 * 2**20


@torch.no_grad()
def find_wrong_layers(
    module: nn.Module, network: Network, x: Tensor, limit: float
) -> dict[str, str]:
    """Return the layers whose output is not what their module returns, with the reason.

    `x` is one image, (1, C, H, W). `limit` is the largest error that is rounding, relative to the
    layer's largest output. Of a module that is called several times, that call is compared for
    which the layer stands.
    """
    wrong: dict[str, str] = {}
    for paths in _read_together(network):
        for group in _groups(network, paths, x.element_size()):
            found = dict(zip(group, network.run_all(x, tuple(group)), strict=True))
            # The measure is the module as its code made it, in contiguous memory.
            NONE.arrange_parameters(module)
            wrong |= _compare(module, network, x, found, limit)
            network.optimizations.arrange_parameters(module)
    return wrong


def _read_together(network: Network) -> list[list[str]]:
    """Return the layers in two sets: those before a batch norm, and all others.

    A convolution that is read itself keeps its batch norm. When the others are read, all are
    folded, as in jobs.
    """
    if not network.folding.folded:
        return [list(network.layers)]
    before = {
        path
        for path, node in network.layers.items()
        if any(operator_name(user) == "batch_norm" for user in node.users)
    }
    return [[path for path in network.layers if path not in before], sorted(before)]


def _groups(network: Network, paths: Sequence[str], element_size: int) -> Iterator[list[str]]:
    """Yield the layers in groups whose outputs fit into memory together."""
    group, size = list[str](), 0
    for path in paths:
        size += element_size * prod(network.layer_shape(path))
        if group and size > _GROUP_BYTES:
            yield group
            group, size = [], element_size * prod(network.layer_shape(path))
        group.append(path)
    if group:
        yield group


def _compare(
    module: nn.Module, network: Network, x: Tensor, found: dict[str, Tensor], limit: float
) -> dict[str, str]:
    reasons: dict[str, str | None] = dict.fromkeys(found, "its module is not called")
    calls: Counter[str] = Counter()

    def compare(path: str, _module: nn.Module, _arguments: Any, output: Any) -> None:
        calls[path] += 1
        if calls[path] != call_of(network.layers[path], path):
            return
        # The hook compares at once: a later operator may overwrite the output in place.
        reasons[path] = _difference(network, path, output, found[path], limit)

    with ExitStack() as hooks, Differentiated(double=x.dtype == torch.float64):
        for path, part in _named(module, list(found)):
            hooks.callback(part.register_forward_hook(partial(compare, path)).remove)
        module(x)
    return {path: reason for path, reason in reasons.items() if reason}


def _named(module: nn.Module, paths: Sequence[str]) -> Iterator[tuple[str, nn.Module]]:
    # A module may have several names, each of which can be that of a layer.
    named = dict(module.named_modules(remove_duplicate=False))
    return ((path, named[path]) for path in paths if path in named)


def _difference(
    network: Network, path: str, output: Any, found: Tensor, limit: float
) -> str | None:
    if not isinstance(output, Tensor):
        return f"its module returns a {type(output).__name__}"
    if not output.is_floating_point():
        return f"its module returns {str(output.dtype).removeprefix('torch.')}"
    expected = network.canonical(path, output)
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return f"its module returns the shape {tuple(expected.shape)}, not {tuple(found.shape)}"
    if len(found) != 1:
        return "its first axis is not that of the images"
    error = error_of(found, expected)
    # NaN is a difference, too.
    return None if error <= limit else f"its output is off by {error:.1g} of the largest"
