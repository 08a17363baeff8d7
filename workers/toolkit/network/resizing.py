"""The part of a network before some layers, for inputs of a size that its head does not take.

A head that flattens its map into a linear layer fits one size. The layers before it often run on
any. They are cut off, their graph is run again at the other size, and the result is compared with
what the module's own layers return there.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.passes.fake_tensor_prop import FakeTensorProp

Canonical = Callable[[str, Tensor], Tensor]
"""Arranges what the module of a layer returns as (B, C) or (B, C, H, W)."""

# Largest difference that rounding makes, relative to the largest value.
_ROUNDING = 1e-4
_BATCHES = (1, 3)
# torch logs a traceback here for every operator that does not take a size.
_TORCH = logging.getLogger("torch._subclasses.fake_tensor")
_QUIET = threading.Lock()


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Keep torch from logging failures that the caller expects and reports in its own words."""
    with _QUIET:
        level = _TORCH.level
        _TORCH.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            _TORCH.setLevel(level)


def resize_part(
    part: fx.GraphModule,
    module: nn.Module,
    paths: tuple[str, ...],
    shape: tuple[int, int, int],
    canonical: Canonical,
) -> bool:
    """Fit a graph that ends at those layers to inputs of shape (channels, height, width).

    The shapes that its nodes carry are renewed in place. `canonical` arranges what a layer's module
    returns as the graph gives it. Return False if an operator has the graph's own size in it, or if
    a layer differs from what the module computes at that size.
    """
    like = next(module.parameters())
    try:
        _renew_shapes(part, torch.zeros(2, *shape, dtype=like.dtype, device=like.device))
        return all(
            _agree(part, _outputs(module, paths, canonical, x), x)
            for x in (_noise(batch, shape, like) for batch in _BATCHES)
        )
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError):
        return False


def _renew_shapes(part: fx.GraphModule, x: Tensor) -> None:
    """Run the graph on a tensor without values, and note the shape of each node's output."""
    with quiet_torch(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        FakeTensorProp(part, mode).propagate(x)


def _noise(batch: int, shape: tuple[int, int, int], like: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((batch, *shape), generator=generator).to(like)


@torch.no_grad()
def _agree(part: fx.GraphModule, expected: list[Tensor], x: Tensor) -> bool:
    """Return whether the graph's outputs are those of the module's layers, up to rounding."""
    return all(
        found.shape == wanted.shape
        and bool((found - wanted).abs().max() <= _ROUNDING * wanted.abs().max())
        for found, wanted in zip(part(x), expected, strict=True)
    )


@torch.no_grad()
def _outputs(
    module: nn.Module, paths: tuple[str, ...], canonical: Canonical, x: Tensor
) -> list[Tensor]:
    """Return what the module's layers return for x, each at its last call before the head fails.

    Raises what the module raises if that is before all of them have returned.
    """
    seen: dict[str, Tensor] = {}

    def note(path: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(layer: nn.Module, given: object, output: Tensor) -> None:
            # A later operator may overwrite the output in place.
            seen[path] = output.clone()

        return hook

    handles = [module.get_submodule(path).register_forward_hook(note(path)) for path in paths]
    try:
        module(x.clone())
    except Exception:
        if len(seen) < len(paths):
            raise
    finally:
        for handle in handles:
            handle.remove()
    return [canonical(path, seen[path]) for path in paths]
