"""A network runs up to a layer and no further, with or without a rule at its ReLUs."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.tiny import EveryRelu, TinyNetwork, seeded
from tests.toolkit.networks import Middle, Sandwich, network, noise, sandwich
from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.rectifiers import guided


@pytest.fixture(scope="module")
def tiny() -> Network:
    return network(seeded(TinyNetwork))


class Counting(torch.utils._python_dispatch.TorchDispatchMode):
    """Every operator that really runs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("path", "convolutions", "linears"),
    [("conv1", 1, 0), ("relu2", 2, 0), ("pool", 2, 0), ("", 3, 1)],
)
def test_nothing_behind_the_layer_is_computed(
    tiny: Network, path: str, convolutions: int, linears: int
) -> None:
    names = [operator_name(node) for node in tiny.part((path,)).graph.nodes]
    assert (names.count("conv2d"), names.count("linear")) == (convolutions, linears)
    with Counting() as counting, torch.no_grad():
        tiny.run(noise(2), path)
    assert sum("convolution" in name for name in counting.names) == convolutions
    assert counting.names.count("addmm") == linears


def test_branches_that_the_layer_does_not_need_are_left_out(tiny: Network) -> None:
    names = [operator_name(node) for node in tiny.part(("conv2",)).graph.nodes]
    assert names.count("relu") == 1
    assert "add" not in names


def test_a_part_is_built_once_and_shares_the_weights(tiny: Network) -> None:
    assert tiny.part(("conv3",)) is tiny.part(("conv3",))
    assert tiny.part(("conv3",), guided) is not tiny.part(("conv3",))
    ours = {tensor.data_ptr() for tensor in tiny.module.parameters()}
    assert {tensor.data_ptr() for tensor in tiny.part(("conv3",)).parameters()} <= ours


def test_the_model_is_frozen_and_in_eval_mode() -> None:
    module = seeded(TinyNetwork).train()
    network(module)
    assert not any(part.training for part in module.modules())
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_a_rule_changes_the_gradient_and_nothing_else(tiny: Network) -> None:
    x = noise(2).requires_grad_()
    plain, ruled = tiny.run(x, LOGITS), tiny.run(x, LOGITS, guided)
    assert torch.equal(plain, ruled)
    (before,) = torch.autograd.grad(plain.sum(), x)
    (after,) = torch.autograd.grad(ruled.sum(), x)
    (again,) = torch.autograd.grad(tiny.run(x, LOGITS).sum(), x)
    assert not torch.allclose(before, after)
    assert torch.equal(before, again)


@pytest.mark.parametrize(
    ("path", "count"), [("conv1", 0), ("bn1", 0), ("relu1", 1), ("conv2", 1), ("pool", 2), ("", 3)]
)
def test_the_rectifiers_below_a_layer_are_counted(tiny: Network, path: str, count: int) -> None:
    assert len(tiny.rectifiers(path)) == count


def test_every_use_of_a_relu_is_one_rectifier() -> None:
    assert len(network(seeded(EveryRelu)).rectifiers(LOGITS)) == 7


def relu_of_a_weight(net: Sandwich, x: Tensor) -> Tensor:
    return F.conv2d(x, net.second.weight.relu())


def relu_of_a_constant(_net: Sandwich, x: Tensor) -> Tensor:
    return x * torch.linspace(-1, 1, x.shape[3]).relu()


@pytest.mark.parametrize("middle", [relu_of_a_weight, relu_of_a_constant])
def test_a_relu_that_the_image_does_not_pass_is_none(middle: Middle) -> None:
    assert network(sandwich(middle)).rectifiers(LOGITS) == []


def test_the_rectifiers_of_a_layer_are_found_once() -> None:
    made = network(seeded(TinyNetwork))
    assert made.rectifiers("relu2") is made.rectifiers("relu2")
    assert [len(made.rectifiers(path)) for path in ("conv1", "relu2", "")] == [0, 2, 3]
