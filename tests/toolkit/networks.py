"""Small networks whose middle is one function: the way to ask about one operator at a time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.tiny import SIDE, seeded
from workers.toolkit.network.network import Network

CHANNELS = 8
Middle = Callable[["Sandwich", Tensor], Tensor]


class Mark(nn.Module):
    """Does nothing, and gives the middle's output the name of a layer, `mark`."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 1.0


class Sandwich(nn.Module):
    """A convolution, then `middle`, then `mark`, then a head over the mean."""

    middle: Middle

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.pointwise = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.linear = nn.Linear(CHANNELS, CHANNELS)
        self.norm = nn.LayerNorm(CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.mark = Mark()

    def forward(self, x: Tensor) -> Tensor:
        return self.mark(type(self).middle(self, self.first(x))).flatten(1)


def sandwich(middle: Middle) -> nn.Module:
    return seeded(type(middle.__name__, (Sandwich,), {"middle": staticmethod(middle)}))


def network(module: nn.Module, side: int = SIDE) -> Network:
    return Network(module, 3, side, side)


def noise(batch: int, side: int = SIDE, seed: int = 1) -> Tensor:
    """(B, 3, side, side)"""
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(seed))


def hooked(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What every submodule returned last, cloned at once, before anything can overwrite it."""
    seen: dict[str, Tensor] = {}
    handles = [
        part.register_forward_hook(
            lambda _part, _given, out, path=path: seen.__setitem__(path, out.clone())
        )
        for path, part in module.named_modules()
        if path
    ]
    with torch.no_grad():
        module(x.clone())
    for handle in handles:
        handle.remove()
    return seen


def assert_same(module: nn.Module) -> Network:
    """The graph gives what the eager model gives, for several batch sizes."""
    made = network(module)
    for batch in (1, 2, 5):
        x = noise(batch)
        with torch.no_grad():
            torch.testing.assert_close(made.logits(x), module(x.clone()), atol=1e-6, rtol=1e-5)
    return made
