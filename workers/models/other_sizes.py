"""Which layers a model computes for images of its own size only, as far as that can be told.

The module runs on tensors without values, which costs no arithmetic and no memory, at sizes around
its own. A layer that none of them reaches, while its own size does, takes its own size only.
"""

from contextlib import suppress
from copy import deepcopy

import torch
from torch import Tensor, nn

from workers.toolkit.network.network import Network

# Sides of other images: multiples of the model's own, which are multiples of a window too, and a
# few pixels more or less, which strides may leave out, so that a fixed map still fits.
_TIMES, _PIXELS = (2.0, 0.5, 1.5), (1, -1, 2, -2, 8, -8)


def one_size_layers(network: Network) -> set[str]:
    """Return the layers that no image of another size reaches; none if that cannot be told."""
    paths = set(network.layers)
    channels, height, width = network.input_shape
    try:
        module = _without_values(network.module)
    except Exception:
        return set()
    left = set(paths)
    others = [(round(height * times), round(width * times)) for times in _TIMES]
    others += [(height + pixels, width + pixels) for pixels in _PIXELS]
    for other in others:
        left -= _reached(module, paths, (channels, *other))
        if not left:
            return set()
    return left & _reached(module, paths, network.input_shape)


def _without_values(module: nn.Module) -> nn.Module:
    """Return a copy whose parameters and buffers have shapes and no values.

    The module itself must not run on such tensors, since it may keep what it computes.
    """
    memo: dict[int, object] = {}
    for parameter in module.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    for buffer in module.buffers():
        memo[id(buffer)] = buffer.to("meta")
    return deepcopy(module, memo)


def _reached(module: nn.Module, paths: set[str], shape: tuple[int, int, int]) -> set[str]:
    """Return the layers whose modules return something before the module ends or fails."""
    seen: set[str] = set()
    handles = []
    for path in paths:

        def note(layer: nn.Module, given: object, output: object, path: str = path) -> None:
            seen.add(path)

        handles.append(module.get_submodule(path).register_forward_hook(note))
    try:
        # A module refuses a size with any error of its own.
        with torch.no_grad(), suppress(Exception):
            module(_image(module, shape))
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _image(module: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    like = next(module.parameters())
    return torch.empty(1, *shape, dtype=like.dtype, device="meta")
