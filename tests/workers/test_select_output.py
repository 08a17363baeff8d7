"""One output of a model that returns several is chosen, and nothing else about it changes."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.odd import SIDE, build
from workers.models.errors import WrongOutput
from workers.models.select_output import (
    OutputSelector,
    describe_output,
    propose_output,
    select_output,
)
from workers.toolkit.network.network import Network

Pair = namedtuple("Pair", "logits features")
SCORES, MAP = torch.zeros(2, 4), torch.zeros(2, 8, 3, 3)


@dataclass
class Answer:
    logits: Tensor
    features: Tensor


@pytest.mark.parametrize(
    ("output", "steps"),
    [
        ((SCORES, MAP), (0,)),
        ((MAP, SCORES), (-1,)),
        ([MAP, SCORES], (1,)),
        ({"out": SCORES, "aux": MAP}, ("out",)),
        (OrderedDict(out=SCORES), ("out",)),
        ({0: MAP, 1: SCORES}, (1,)),
        (Pair(SCORES, MAP), ("logits",)),
        (Pair(SCORES, MAP), (0,)),
        (Answer(SCORES, MAP), ("logits",)),
        ({"heads": [MAP, (MAP, SCORES)]}, ("heads", 1, 1)),
    ],
)
def test_a_part_is_found_by_key_index_or_name(output: Any, steps: tuple[str | int, ...]) -> None:
    assert OutputSelector(steps)(nn.Identity(), (), output) is SCORES


@pytest.mark.parametrize(
    ("output", "steps", "sentence"),
    [
        ({"out": SCORES}, ("logits",), "no 'logits'. The model returns a dict of 'out'"),
        ((SCORES, MAP), (2,), "no 2. The model returns a tuple of 0 (a tensor of shape 2 × 4), 1"),
        ((SCORES, MAP), (-3,), "no -3"),
        (SCORES, (0,), "no 0. The model returns a tensor of shape 2 × 4"),
        ({"a": [MAP]}, ("a", "b"), "no 'b' at ['a']. The model returns a list of 0"),
    ],
)
def test_a_wrong_key_is_refused_with_what_there_is(
    output: Any, steps: tuple[str | int, ...], sentence: str
) -> None:
    with pytest.raises(WrongOutput) as refused:
        OutputSelector(steps)(nn.Identity(), (), output)
    assert sentence in str(refused.value)


def test_a_tensor_of_the_right_shape_is_proposed() -> None:
    output = {"features": MAP, "heads": [MAP, SCORES]}
    assert propose_output(output, classes=4, axes=2) == 'output = ["heads", 1]'
    assert propose_output({"out": MAP}, classes=8, axes=4) == 'output = "out"'
    assert propose_output("text", classes=4, axes=2) == ""
    assert describe_output(None) == "a NoneType"


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("tuple", (0,)),
        ("dict", ("out",)),
        ("nested", ("heads", 1, 1)),
        ("nested", ("heads", 1, -1)),
    ],
)
def test_layers_weights_and_outputs_are_those_of_the_module(
    kind: str, steps: tuple[str | int, ...]
) -> None:
    plain, chosen = build(), select_output(build(kind), steps)
    assert chosen.state_dict().keys() == plain.state_dict().keys()
    network, expected = Network(chosen, 3, SIDE, SIDE), Network(plain, 3, SIDE, SIDE)
    assert list(network.layers) == list(expected.layers) == ["first", "second", "last"]
    x = torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    assert torch.equal(network.logits(x), expected.logits(x))
    assert torch.equal(network.run(x, "second"), expected.run(x, "second"))
