"""Layers as the graph finds them, against forward hooks on the eager model."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.tiny import CLASSES, EveryRelu, TinyNetwork, seeded
from tests.toolkit.networks import Sandwich, hooked, network, noise, sandwich
from workers.toolkit.network.layers import layer_type


class PreActivation(nn.Module):
    """Blocks whose in-place ReLU overwrites the tensors of batch norm, convolution and skip."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 6, 3, padding=1))
            for _ in range(2)
        )
        self.act = nn.Hardtanh(0, 1, inplace=True)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(F.relu_(x))
        return self.head(self.act(x))


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("kind", [TinyNetwork, EveryRelu, PreActivation])
def test_every_layer_gives_what_a_hook_saw(kind: type[nn.Module], batch: int) -> None:
    module = seeded(kind)
    made = network(module)
    seen = hooked(module, noise(batch))
    assert set(made.layers) == set(seen)
    for path, expected in seen.items():
        with torch.no_grad():
            torch.testing.assert_close(made.run(noise(batch), path), expected, atol=1e-6, rtol=1e-5)
        assert made.layer_shape(path) == expected.shape[1:]


def test_layers_come_in_the_order_of_the_computation() -> None:
    paths = list(network(seeded(TinyNetwork)).layers)
    assert paths == ["conv1", "bn1", "relu1", "conv2", "relu2", "pool", "conv3", "relu3", "head"]


def test_a_layer_knows_the_class_of_its_module() -> None:
    module = seeded(PreActivation)
    layers = network(module).layers
    assert {path: layer_type(node, path) for path, node in layers.items()} == {
        path: type(module.get_submodule(path)).__name__ for path in layers
    }


def test_a_module_used_twice_stands_for_its_last_use() -> None:
    module = seeded(EveryRelu)
    made = network(module)
    first, second = made.run(noise(1), "convs.0"), made.run(noise(1), "convs.1")
    assert torch.equal(made.run(noise(1), "relu"), second.relu())
    assert not torch.equal(made.run(noise(1), "relu"), first.relu())


def mean_of_tokens(net: Sandwich, x: Tensor) -> Tensor:
    tokens = net.norm(x.flatten(2).transpose(1, 2))  # (B, 1024, 8)
    return tokens.mean(1)


def test_tokens_of_all_places_are_a_map() -> None:
    module = sandwich(mean_of_tokens)
    made = network(module)
    assert list(made.layers) == ["first", "norm", "mark"]
    seen = hooked(module, noise(2))["norm"]
    expected = seen.transpose(1, 2).unflatten(2, made.layer_shape("first")[1:])
    torch.testing.assert_close(made.run(noise(2), "norm"), expected, atol=1e-6, rtol=1e-5)


class ReturnsAnEarlierTensor(nn.Module):
    """Returns the values of a maximum, whose indices are made by the same operator."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.pick = Pick()
        self.spread = Spread()
        self.pair = Pair()
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        left, right = self.pair(x)
        return self.head(self.pick(x) + self.spread(x) + left.mean((2, 3)) - right.mean((2, 3)))


class Pick(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        values, _indices = x.flatten(2).max(2)
        return values


class Spread(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        variance, _mean = torch.var_mean(x, (2, 3))
        return variance


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.relu(), (-x).relu()


def test_a_layer_is_what_its_module_returns() -> None:
    module = seeded(ReturnsAnEarlierTensor)
    made = network(module)
    assert list(made.layers) == ["conv", "pick", "spread", "head"]
    x = noise(2)
    with torch.no_grad():
        features = module.conv(x.clone()).flatten(2)
    assert torch.allclose(made.run(x, "pick"), features.amax(2), atol=1e-6)
    assert torch.allclose(made.run(x, "spread"), features.var(2), atol=1e-6)
