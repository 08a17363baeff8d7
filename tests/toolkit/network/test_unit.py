"""The value of a network that a target names."""

import pytest
import torch

from catalog.targets import parse_target
from tests.tiny import CLASSES, TinyNetwork, seeded
from tests.toolkit.networks import hooked, network, noise
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.unit import Unit, find_unit

LABELS = [f"label {i}" for i in range(CLASSES)]


@pytest.fixture(scope="module")
def tiny() -> Network:
    return network(seeded(TinyNetwork))


def unit(tiny: Network, text: str) -> Unit:
    with torch.no_grad():
        return find_unit(
            parse_target(text, LABELS, "tiny"), tiny, int(tiny.logits(noise(1)).argmax())
        )


def test_every_form_names_its_number(tiny: Network) -> None:
    x = noise(3)
    seen = hooked(tiny.module, x)
    map_, logits = seen["conv3"], seen["head"]  # (3, 8, 8, 8), (3, 10)
    with torch.no_grad():
        expected = {
            "class:4": logits[:, 4],
            "class:label 9": logits[:, 9],
            "conv3:5": map_[:, 5].mean((1, 2)),
            "conv3:5@2,7": map_[:, 5, 2, 7],
            "conv3:5@center": map_[:, 5, 4, 4],
            "conv3": map_.mean((1, 2, 3)),
            "head:3": logits[:, 3],
            "head": logits.mean(1),
        }
        for text, value in expected.items():
            torch.testing.assert_close(unit(tiny, text).value(tiny, x), value, atol=1e-6, rtol=1e-5)


def test_top_is_the_first_class_of_this_image(tiny: Network) -> None:
    with torch.no_grad():
        first = int(tiny.module(noise(1)).argmax())
    assert unit(tiny, "top") == Unit(LOGITS, first)
    assert unit(tiny, "top").is_class


def test_a_layers_unit_is_no_class_even_in_the_last_layer(tiny: Network) -> None:
    assert not unit(tiny, "head:3").is_class


def test_the_value_needs_nothing_behind_its_layer(tiny: Network) -> None:
    tiny.part(("conv1",))
    broken = network(seeded(TinyNetwork))
    broken.module.head.weight.data.fill_(torch.nan)
    assert unit(tiny, "conv3:1@0,0").value(broken, noise(1)).isfinite().all()
