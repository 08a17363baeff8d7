"""The multiplications of a network are those that hooks on its modules count."""

import torch
from torch import Tensor, nn

from catalog.checks import DEFAULT_MULTIPLICATIONS
from catalog.models import DEFAULT_MODEL, find_model
from workers.models.build import find_builder
from workers.models.describe import describe
from workers.toolkit.network.network import Network


def counted(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Return the multiplications, from the outputs and the weights that the modules have."""
    total = 0

    def count(layer: nn.Module, given: object, output: Tensor) -> None:
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    layers = [each for each in module.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        module.eval()(torch.zeros(1, *shape))
    for handle in handles:
        handle.remove()
    return total


def test_the_default_model_is_the_unit() -> None:
    entry = find_model(DEFAULT_MODEL)
    module = find_builder(entry).architecture(entry)
    described = describe(entry.name, Network(module, *entry.input_shape), None)
    assert described.multiplications == DEFAULT_MULTIPLICATIONS
    assert counted(module, entry.input_shape) == DEFAULT_MULTIPLICATIONS


def test_groups_strides_and_tokens_are_counted() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.grouped = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
            self.tokens = nn.Linear(8, 6, bias=False)
            self.head = nn.Linear(6, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.tokens(self.grouped(x).flatten(2).transpose(1, 2)).mean(1))

    network = Network(Mixed(), 4, 16, 16)
    assert describe("net", network, None).multiplications == 8 * 64 * 18 + 64 * 6 * 8 + 5 * 6
