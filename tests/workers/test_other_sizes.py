"""Which layers take one size only is told for certain, or not at all."""

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import tiny_model
from workers.models.describe import describe
from workers.models.other_sizes import one_size_layers
from workers.toolkit.errors import OneSizeOnly

SIDE = 32


class Head(nn.Module):
    """A network whose head takes one size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4 * SIDE * SIDE, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).flatten(1))


class Positions(Head):
    """A network that takes one size from the second layer on, as a transformer does."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 4, SIDE, SIDE))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x) + self.positions).flatten(1))


class Windows(Head):
    """A network of any size that is a multiple of 16."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] % 16 == x.shape[3] % 16 == 0
        y = nn.functional.adaptive_avg_pool2d(self.norm(self.conv(x)), SIDE)
        return self.head(y.flatten(1))


class UpToItsOwn(Head):
    """A network whose table of positions covers its own size and smaller ones."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 4, SIDE, SIDE))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.head(self.norm(y + self.positions[..., : y.shape[2], : y.shape[3]]).flatten(1))


class NearItsOwn(Head):
    """A network that takes a few more pixels than its own size, which strides leave out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 2, stride=2)
        self.head = nn.Linear(4 * SIDE * SIDE // 4, 10)


class ByValue(Head):
    """A network that looks at values, which tensors without values cannot answer."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2:] == (SIDE, SIDE)
        if x.device.type == "meta":
            raise NotImplementedError
        return super().forward(x)


class Remembers(Head):
    """A network that keeps what it computed for a size."""

    def forward(self, x: Tensor) -> Tensor:
        self.last = self.conv(x)
        return self.head(self.norm(self.last).flatten(1))


@pytest.mark.parametrize(
    ("kind", "fixed"),
    [
        (Head, {"head"}),
        (Positions, {"norm", "head"}),
        (Windows, set()),
        (UpToItsOwn, {"head"}),
        (NearItsOwn, set()),
        (ByValue, set()),
    ],
)
def test_a_layer_that_no_other_size_reaches_takes_one_size(
    kind: type[Head], fixed: set[str]
) -> None:
    network = tiny_model(kind).network
    assert network.input_shape[1:] == (SIDE, SIDE)
    assert one_size_layers(network) == fixed
    described = describe("net", network, None)
    assert {layer.path for layer in described.layers if layer.one_size} == fixed


def test_what_is_said_is_what_the_worker_finds() -> None:
    network = tiny_model(Positions).network
    assert network.at(64, 64, ("conv",)).input_shape == (3, 64, 64)
    for side in (64, 48, 16, 40):
        with pytest.raises(OneSizeOnly):
            network.at(side, side, ("norm",))


def test_the_module_is_left_as_it_was() -> None:
    network = tiny_model(Head).network
    assert network.layers  # which are those of the module that is replaced now
    module = network.module = Remembers()
    before = {**module.__dict__}
    assert one_size_layers(network) == {"head"}
    assert module.__dict__ == before
    assert all(tensor.device.type == "cpu" for tensor in module.state_dict().values())
    assert not any(each._forward_hooks for each in module.modules())
