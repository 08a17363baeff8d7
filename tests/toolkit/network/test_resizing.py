"""The part of a network before its head, at sizes that the head does not take."""

import logging

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import seeded
from workers.toolkit.errors import OneSizeOnly
from workers.toolkit.network.network import LOGITS, Network

SIDE = 28
SIZES = [(14, 14), (28, 19), (112, 75)]


class Flattening(nn.Module):
    """A network whose head takes the map of one size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.head = nn.Linear(6 * 14 * 14, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv2(self.relu(self.norm(self.conv(x)))).flatten(1))


class Positions(Flattening):
    """A network that adds an embedding of its own size's places before the layers."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 3, SIDE, SIDE))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.positions)


class FixedCrop(Flattening):
    """A network that reads as many rows as its own size has, without failing at other sizes."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.shape[2]
        return super().forward(x - x[:, :, : (rows + 1) // 2].mean((2, 3), keepdim=True))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_layers_at_another_size_are_those_of_the_module(height: int, width: int) -> None:
    module, paths = seeded(Flattening), ("norm", "relu", "conv2")
    network = Network(module, 3, SIDE, SIDE)
    part = network.at(height, width, paths)
    x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        normed = module.norm(module.conv(x))
        expected = [normed, normed.relu(), module.conv2(normed.relu())]
        for found, wanted in zip(part.run_all(x, paths), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert part.layer_shape("conv2") == (6, (height + 1) // 2, (width + 1) // 2)
    assert network.layer_shape("conv2") == (6, 14, 14)
    assert network.at(height, width, paths) is part


def test_the_classes_at_another_size_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    """In a sentence: the traceback of torch.export is no warning."""
    network = Network(seeded(Flattening), 3, SIDE, SIDE)
    with pytest.raises(OneSizeOnly, match="28 × 28 pixels only, not on 14 × 14"):
        network.at(14, 14)
    with pytest.raises(OneSizeOnly):
        network.at(14, 14, (LOGITS, "conv"))
    part = network.at(14, 14, ("conv",))
    with pytest.raises(OneSizeOnly, match="14 × 14"):
        part.logits(torch.zeros(1, 3, 14, 14))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_module_of_any_size_stays_whole() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = Network(module, 3, SIDE, SIDE)
    assert network.at(20, 30, ("0",)) is network.at(20, 30)
    assert network.at(20, 30, ("0",)).logits(torch.zeros(1, 3, 20, 30)).shape == (1, 4)


@pytest.mark.parametrize("kind", [Positions, FixedCrop])
def test_a_size_that_lies_before_the_layers_is_refused(kind: type[nn.Module]) -> None:
    """One graph fails at another size; the other runs, but does not do what the module does."""
    network = Network(seeded(kind), 3, SIDE, SIDE)
    with pytest.raises(OneSizeOnly):
        network.at(32, 40, ("relu",))
