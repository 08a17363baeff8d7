"""The layer that embeds an image by default."""

import pytest
import torchvision

from tests.tiny import tiny_model
from workers.toolkit.network.network import Network
from workers.toolkit.optimization.embedding import last_embedding_layer


@pytest.mark.parametrize(("name", "layer"), [("alexnet", "classifier.5"), ("resnet18", "avgpool")])
def test_the_layer_before_the_classes(name: str, layer: str) -> None:
    module = torchvision.models.get_model(name, weights=None)
    network = Network(module, 3, 96, 96)
    assert last_embedding_layer(network) == layer


def test_a_network_that_pools_without_a_name_has_its_last_map() -> None:
    assert last_embedding_layer(tiny_model().network) == "relu3"
