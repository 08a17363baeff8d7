"""The shuffled sibling: one parameter differs, and all others are the same memory.

The original network stays as it is.
"""

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import EveryRelu, TinyNetwork, seeded
from tests.toolkit.networks import network, noise
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.parameter_randomization import randomize_parameters


@pytest.fixture
def tiny() -> Network:
    return network(seeded(TinyNetwork))


def memory(of: Network) -> dict[str, int]:
    return {name: tensor.data_ptr() for name, tensor in of.whole.state_dict().items()}


@pytest.mark.parametrize(
    ("path", "weights"),
    [
        ("", "head.weight"),
        ("head", "head.weight"),
        ("relu3", "conv3.weight"),
        ("pool", "conv2.weight"),
        ("bn1", "conv1.weight"),
        ("conv1", "conv1.weight"),
    ],
)
def test_the_last_weights_before_the_target_are_shuffled(
    tiny: Network, path: str, weights: str
) -> None:
    made = randomize_parameters(tiny, path, 5)
    assert made is not None and made.weights == weights
    before, after = (net.whole.get_parameter(weights).flatten() for net in (tiny, made.network))
    assert not torch.equal(before, after)
    assert torch.equal(before.sort().values, after.sort().values)


class WeightNorm(nn.Module):
    """A head whose weights are computed from a length and a direction."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.head = nn.utils.parametrizations.weight_norm(nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).relu().mean((2, 3)))


def test_of_computed_weights_the_parameter_behind_them_is_shuffled() -> None:
    made = randomize_parameters(network(seeded(WeightNorm)), LOGITS, 5)
    assert made is not None and made.weights == "head.parametrizations.weight.original1"


def test_all_other_parameters_are_the_same_memory(tiny: Network) -> None:
    made = randomize_parameters(tiny, LOGITS, 5)
    assert made is not None
    ours, theirs = memory(tiny), memory(made.network)
    assert {name for name, place in theirs.items() if ours[name] != place} == {"head.weight"}
    assert ours.keys() == theirs.keys()


def test_the_original_gives_what_it_gave_and_the_sibling_something_else(tiny: Network) -> None:
    x = noise(2)
    before, places = tiny.logits(x), memory(tiny)
    made = randomize_parameters(tiny, LOGITS, 5)
    assert made is not None
    other = made.network.logits(x)
    assert torch.equal(tiny.logits(x), before)
    assert torch.equal(network(seeded(TinyNetwork)).logits(x), before)
    assert memory(tiny) == places
    assert not torch.allclose(other, before)
    assert list(made.network.layers) == list(tiny.layers)
    # Below the shuffled layer nothing differs. The output is that of the eager model with the
    # shuffled weight.
    assert torch.equal(made.network.run(x, "relu3"), tiny.run(x, "relu3"))
    eager = seeded(TinyNetwork)
    eager.head.weight.data = made.network.whole.get_parameter("head.weight").data
    torch.testing.assert_close(other, eager(x).detach())


def test_the_seed_decides(tiny: Network) -> None:
    one, same, other = (
        randomize_parameters(tiny, LOGITS, seed).network.logits(noise(1)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_model_of_many_relus_has_a_sibling_too() -> None:
    made = randomize_parameters(network(seeded(EveryRelu)), LOGITS, 0)
    assert made is not None and made.weights == "head.weight"


class Bare(TinyNetwork):
    """A layer before the first weights."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.mark(x))


def test_without_weights_there_is_nothing_to_shuffle() -> None:
    assert randomize_parameters(network(seeded(Bare)), "mark", 0) is None
