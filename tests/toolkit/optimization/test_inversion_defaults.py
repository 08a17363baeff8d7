"""Defaults by the depth of a layer: the published groups, on the network of the publication."""

import pytest
import torchvision

from tests.tiny import tiny_model
from workers.toolkit.network.network import Network
from workers.toolkit.optimization.inversion_defaults import depth, jitter_pixels, tv_weight


@pytest.fixture(scope="module")
def alexnet() -> Network:
    return Network(torchvision.models.alexnet(weights=None), 3, 224, 224)


def test_the_published_weights_on_alexnet(alexnet: Network) -> None:
    """The weight is 1 up to relu2, 10 from pool2 to relu4, and 100 from conv5 on."""
    expected = {
        "features.0": 1, "features.2": 1, "features.3": 1, "features.4": 1,
        "features.5": 10, "features.6": 10, "features.9": 10,
        "features.10": 100, "features.12": 100, "classifier.1": 100, "classifier.6": 100,
    }  # fmt: skip
    assert {path: tv_weight(alexnet, path, "mahendran_vedaldi") for path in expected} == expected


def test_a_vector_pays_more_than_the_last_maps() -> None:
    network = tiny_model().network
    assert [tv_weight(network, path, "modern") for path in ("conv1", "conv3", "head")] == [
        0.05,
        2.0,
        5.0,
    ]


def test_depth_counts_from_the_input_to_the_classes() -> None:
    """The tiny network has 3 convolutions, a norm, 3 rectifiers, a pooling and a linear layer."""
    network = tiny_model().network
    counts = {
        "conv1": 1,
        "bn1": 2,
        "relu1": 3,
        "conv2": 4,
        "pool": 6,
        "conv3": 7,
        "relu3": 8,
        "head": 9,
    }
    assert {path: depth(network, path) for path in counts} == {
        path: n / 9 for path, n in counts.items()
    }


def test_deep_layers_are_shifted_more(alexnet: Network) -> None:
    """The shift is 1/28 of the stride, 224 over the map's side, and 0 for strides below 14."""
    sides = {"features.0": 55, "features.3": 27, "features.10": 13, "classifier.6": 1}
    expected = [224 / side / 28 if side < 16 else 0 for side in sides.values()]
    assert [jitter_pixels(alexnet, path) for path in sides] == pytest.approx(expected)
