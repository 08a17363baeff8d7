"""The graph computes what the eager model computes, whatever the model overwrites."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.tiny import EveryRelu, TinyNetwork, seeded
from tests.toolkit.networks import Middle, Sandwich, assert_same, network, noise, sandwich
from workers.toolkit.errors import NotExportable
from workers.toolkit.network.graph import export_graph


def overwritten_before_the_skip(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(net.relu(x)) + x  # pre-activation: the skip carries the rectified tensor too


def overwritten_after_the_branch(net: Sandwich, x: Tensor) -> Tensor:
    branch = net.second(x)
    return branch + F.relu(x, inplace=True) + x


def overwritten_twice(net: Sandwich, x: Tensor) -> Tensor:
    branch = net.second(x)
    branch += x
    x.mul_(2).sigmoid_()
    return branch.relu_() * x


def kept_by_a_clone(net: Sandwich, x: Tensor) -> Tensor:
    kept = x.clone()
    return net.second(x.relu_()) + kept


def rows_assigned(_net: Sandwich, x: Tensor) -> Tensor:
    x[:, 0] = 0.5
    x[:, :, 3:5] = x[:, :, 5:7] + 1
    return x


def masked(_net: Sandwich, x: Tensor) -> Tensor:
    x[x < 0] = -1
    return x


def filled_from_nothing(_net: Sandwich, x: Tensor) -> Tensor:
    made = torch.empty_like(x)
    made.copy_(x).clamp_(min=0)
    return made - x


def eval_dropout_is_an_alias(_net: Sandwich, x: Tensor) -> Tensor:
    F.dropout(x, training=False).relu_()
    return x


def a_view_overwritten(net: Sandwich, x: Tensor) -> Tensor:
    x.view(x.shape[0], 8, -1).relu_()
    return net.second(x) + x


def half_the_channels_overwritten(net: Sandwich, x: Tensor) -> Tensor:
    first, second = x.chunk(2, 1)
    first.relu_()
    return torch.cat([second, first], 1) + x


def a_view_of_the_overwritten(net: Sandwich, x: Tensor) -> Tensor:
    view = x.transpose(2, 3)
    x.relu_()
    return net.second(view) + x


def a_view_of_a_view(_net: Sandwich, x: Tensor) -> Tensor:
    x.flatten(2).transpose(1, 2).unsqueeze(0)[0].relu_()
    return x


MIDDLES = [
    overwritten_before_the_skip, overwritten_after_the_branch, overwritten_twice, kept_by_a_clone,
    rows_assigned, masked, filled_from_nothing, eval_dropout_is_an_alias, a_view_overwritten,
    half_the_channels_overwritten, a_view_of_the_overwritten, a_view_of_a_view,
]  # fmt: skip


@pytest.mark.parametrize("kind", [TinyNetwork, EveryRelu])
def test_the_graph_is_the_model(kind: type[nn.Module]) -> None:
    assert_same(seeded(kind))


@pytest.mark.parametrize("middle", MIDDLES)
def test_overwriting_is_reproduced_without_overwriting(middle: Middle) -> None:
    nodes = assert_same(sandwich(middle)).whole.graph.nodes
    assert not [
        node
        for node in nodes
        if getattr(getattr(node.target, "_schema", None), "is_mutable", False)
    ]


def test_the_input_itself_is_left_as_it_was() -> None:
    class Overwriter(TinyNetwork):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.mul_(0.5)) + x.mean()

    x = noise(2)
    kept = x.clone()
    assert_same(seeded(Overwriter)).logits(x)
    assert torch.equal(x, kept)


def test_a_model_in_double_precision_runs_too() -> None:
    module = seeded(TinyNetwork).double()
    x = noise(2).double()
    torch.testing.assert_close(network(module).logits(x), module(x))


def test_parameters_are_shared_not_copied() -> None:
    module = seeded(TinyNetwork)
    graph = export_graph(module, 3, 32, 32)
    ours = {tensor.data_ptr() for tensor in module.parameters()}
    assert {tensor.data_ptr() for tensor in graph.parameters()} <= ours


def test_a_model_whose_way_depends_on_the_image_is_refused() -> None:
    class Undecided(TinyNetwork):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x if float(x.mean()) > 0 else -x)

    with pytest.raises(NotExportable, match=r"torch\.export cannot trace this model"):
        export_graph(seeded(Undecided), 3, 32, 32)


def test_what_torch_cannot_make_functional_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No model is known for which torch fails there; it does so with errors of many kinds."""

    def fail(*_given: object) -> None:
        raise KeyError("getitem")

    monkeypatch.setattr(torch.export.ExportedProgram, "run_decompositions", fail)
    with pytest.raises(NotExportable, match=r"work in place \(KeyError\)\. Replace those"):
        network(sandwich(a_view_overwritten)).export()
