"""Arguments by name, and windows, however an operator is called."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.toolkit.networks import Sandwich, network, sandwich
from workers.toolkit.network.graph import operator_info, operator_name
from workers.toolkit.network.operators import Window
from workers.toolkit.network.windows import SlidingWindow, arguments, sliding_window

KERNEL = torch.ones(8, 8, 4, 3)
CASES: dict[str, tuple[Callable[[Tensor], Tensor], SlidingWindow | None]] = {
    "plain": (lambda x: F.conv2d(x, KERNEL), SlidingWindow((4, 3), (1, 1), (0, 0), (1, 1))),
    "strided": (
        lambda x: F.conv2d(x, KERNEL, stride=(2, 1), padding=(1, 2)),
        SlidingWindow((4, 3), (2, 1), (1, 2), (1, 1)),
    ),
    "same": (
        lambda x: F.conv2d(x, KERNEL, padding="same", dilation=2),
        SlidingWindow((4, 3), (1, 1), (3, 2), (2, 2)),
    ),
    "valid": (
        lambda x: F.conv2d(x, KERNEL, padding="valid"),
        SlidingWindow((4, 3), (1, 1), (0, 0), (1, 1)),
    ),
    "max pool": (
        lambda x: F.max_pool2d(x, 3, padding=1, dilation=2),
        SlidingWindow((3, 3), (3, 3), (1, 1), (2, 2)),
    ),
    "average pool": (
        lambda x: F.avg_pool2d(x, (2, 3), stride=1),
        SlidingWindow((2, 3), (1, 1), (0, 0), (1, 1)),
    ),
    "padded": (lambda x: F.pad(x, (1, 2, 3, 4)), SlidingWindow((1, 1), (1, 1), (3, 1), (1, 1))),
    "padded in width": (lambda x: F.pad(x, (1, 2)), SlidingWindow((1, 1), (1, 1), (0, 1), (1, 1))),
    "mirrored": (lambda x: F.pad(x, (1, 2, 3, 4), mode="reflect"), None),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("case", CASES)
def test_the_window_is_what_was_asked_for(case: str) -> None:
    function, expected = CASES[case]

    def middle(_net: Sandwich, x: Tensor) -> Tensor:
        return function(x)

    nodes = network(sandwich(middle)).whole.graph.nodes
    _, node = [node for node in nodes if operator_info(node).window]  # the first is the sandwich's
    assert sliding_window(node) == expected


def test_what_is_no_window_has_none() -> None:
    def middle(_net: Sandwich, x: Tensor) -> Tensor:
        return x.relu()

    for node in network(sandwich(middle)).whole.graph.nodes:
        if operator_info(node).window is not Window.CONVOLUTION:
            assert sliding_window(node) is None


def test_arguments_have_the_names_and_defaults_of_the_schema() -> None:
    def middle(_net: Sandwich, x: Tensor) -> Tensor:
        return F.hardtanh(x, max_val=4.0)

    nodes = network(sandwich(middle)).whole.graph.nodes
    (node,) = [node for node in nodes if operator_name(node) == "hardtanh"]
    assert arguments(node) == {"self": node.args[0], "min_val": -1.0, "max_val": 4.0}
