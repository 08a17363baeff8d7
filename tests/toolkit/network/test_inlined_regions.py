"""Regions without autocast are part of the graph around them; others stay as they are."""

import pytest
import torch
from torch import Tensor, nn

from workers.toolkit.network.graph import export_graph, operator_name
from workers.toolkit.network.network import Network

AUTOCAST = torch.ops.higher_order.wrap_with_autocast


class Region(nn.Module):
    """A network whose middle runs in a region of autocast, twice nested if asked for."""

    def __init__(self, enabled: bool = False, nested: bool = False) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 4, 3, padding=1)
        self.inside = nn.ReLU()
        self.head = nn.Linear(4, 5)
        self.enabled, self.nested = enabled, nested

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.enabled):
            if self.nested:
                with torch.autocast("cuda", enabled=False):
                    x = self.inside(x.float()) ** 2
            left, right = self.inside(x.float()), x.float().sigmoid()
        return self.head((left * right).mean((2, 3)))


@pytest.mark.parametrize("nested", [False, True])
def test_the_operators_of_a_region_are_those_of_the_graph(nested: bool) -> None:
    module = Region(nested=nested)
    graph = export_graph(module, 3, 8, 8)
    assert not graph.graph.find_nodes(op="call_function", target=AUTOCAST)
    assert {"relu", "sigmoid"} <= {operator_name(node) for node in graph.graph.nodes}
    assert [name for name, _ in graph.named_children() if name.startswith("submod")] == []
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(graph(x), module(x))


def test_a_layer_in_a_region_is_listed_and_is_what_its_module_returns() -> None:
    module = Region()
    network = Network(module, 3, 8, 8)
    assert "inside" in network.layers
    seen: list[Tensor] = []
    module.inside.register_forward_hook(lambda _m, _given, output: seen.append(output))
    x = torch.randn(1, 3, 8, 8)
    module(x)
    torch.testing.assert_close(network.run(x, "inside"), seen[-1])


def test_a_region_with_autocast_is_left_as_it_is() -> None:
    graph = export_graph(Region(enabled=True), 3, 8, 8)
    assert graph.graph.find_nodes(op="call_function", target=AUTOCAST)


class SinglePart(nn.Module):
    """A part in single precision inside a region with autocast, which bfloat16 would round away."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 5)
        self.part = nn.Conv2d(4, 4, 1)
        nn.init.constant_(self.part.bias, 1000.0)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            x = self.before(x)
            with torch.autocast("cpu", enabled=False):
                x = self.part(x.float()) - 1000
        return self.head(x.mean((2, 3)))


def test_a_part_in_single_precision_inside_a_region_with_autocast_keeps_its_precision() -> None:
    torch.manual_seed(0)
    module, x = SinglePart().eval(), torch.randn(2, 3, 8, 8)
    network = Network(module, 3, 8, 8)
    assert network.whole.graph.find_nodes(op="call_function", target=AUTOCAST)
    torch.testing.assert_close(network.logits(x), module(x), rtol=1e-3, atol=1e-3)
