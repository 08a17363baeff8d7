"""Layers by depth, on networks whose order is known."""

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import EveryRelu, TinyNetwork, seeded
from tests.toolkit.networks import network
from workers.toolkit.errors import LayerWithoutMap
from workers.toolkit.network.maps import last_map, layers_at, map_layers

IN_ORDER = ["conv1", "bn1", "relu1", "conv2", "relu2", "pool", "conv3", "relu3"]


def test_every_map_has_one_name_in_the_order_of_work() -> None:
    assert map_layers(network(seeded(TinyNetwork))) == IN_ORDER


@pytest.mark.parametrize(
    ("fraction", "layer"), [(0, "conv1"), (1, "relu3"), (0.5, "relu2"), (0.6, "relu2")]
)
def test_a_fraction_names_a_layer(fraction: float, layer: str) -> None:
    assert layers_at(network(seeded(TinyNetwork)), [fraction]) == [layer]


def test_each_layer_once() -> None:
    assert layers_at(network(seeded(TinyNetwork)), [0, 0.01, 1, 1]) == ["conv1", "relu3"]


def test_a_tensor_with_two_names_counts_once() -> None:
    names = map_layers(network(seeded(EveryRelu)))
    assert len(names) == len(set(names))
    assert "head" not in names


class Mirrored(nn.Module):
    """Flips its input, so that no layer is laid out like the image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x.flip(3)).mean((2, 3)))


class Ignored(Mirrored):
    """Computes a map on which its output does not depend."""

    def forward(self, x: Tensor) -> Tensor:
        self.conv(x)
        return self.head(x.mean((2, 3)).repeat(1, 2)[:, :4])


def test_without_a_default_the_words_say_whether_a_layer_can_be_named() -> None:
    with pytest.raises(LayerWithoutMap, match="none can be named"):
        last_map(network(Mirrored().eval()))
    with pytest.raises(LayerWithoutMap, match="Name a layer, such as 'conv'"):
        last_map(network(Ignored().eval()))


def test_the_last_map_is_found_where_gradients_are_off() -> None:
    with torch.no_grad():
        assert last_map(network(seeded(TinyNetwork))) == "relu3"
