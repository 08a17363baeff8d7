"""A batch norm is folded into the layer before it if the outputs stay the same, and only then."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, fx, nn

from tests.tiny import SIDE, TinyNetwork, seeded
from tests.toolkit.networks import hooked, network, noise
from workers.toolkit.network.folding import Folding
from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.parameter_randomization import randomize_parameters
from workers.toolkit.network.pooling import replace_max_pooling
from workers.toolkit.network.rectifiers import deconvnet, guided, redirected

CHANNELS = 8


class Normed(nn.Module):
    """A layer, a batch norm, and what comes behind."""

    def __init__(
        self, layer: nn.Module, norm: nn.Module, behind: Callable[[Tensor, Tensor], Tensor] | None
    ) -> None:
        super().__init__()
        self.layer, self.norm, self.behind = layer, norm, behind

    def forward(self, x: Tensor) -> Tensor:
        x = x if isinstance(self.layer, nn.Conv2d | nn.ConvTranspose2d) else x.mean((2, 3))
        made = self.layer(x)
        normed = self.norm(made)
        return (normed if self.behind is None else self.behind(made, normed)).relu().flatten(1)


def normed(
    layer: nn.Module, norm: nn.Module, behind: Callable[[Tensor, Tensor], Tensor] | None = None
) -> Network:
    """In double precision, with statistics, scale and shift of which none is what it began as."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            if tensor is not None:
                nn.init.uniform_(tensor, 0.3, 1.7)
    return network(Normed(layer, norm, behind).double(), 12)


LAYERS = [
    lambda: (nn.Conv2d(3, CHANNELS, 3), nn.BatchNorm2d(CHANNELS)),
    lambda: (nn.Conv2d(3, CHANNELS, 3, bias=False), nn.BatchNorm2d(CHANNELS)),
    lambda: (nn.Conv2d(3, 6, 3, stride=2, groups=3), nn.BatchNorm2d(6)),
    lambda: (nn.Conv2d(3, CHANNELS, 3, dilation=2, padding="same"), nn.BatchNorm2d(CHANNELS)),
    lambda: (nn.Conv2d(3, CHANNELS, 3), nn.BatchNorm2d(CHANNELS, affine=False, eps=0.1)),
    lambda: (nn.Linear(3, CHANNELS), nn.BatchNorm1d(CHANNELS)),
    lambda: (nn.Linear(3, CHANNELS, bias=False), nn.BatchNorm1d(CHANNELS)),
]


def names(part: fx.GraphModule) -> list[str]:
    return [operator_name(node) for node in part.graph.nodes]


@pytest.mark.parametrize("made", LAYERS)
def test_the_function_and_its_gradient_are_the_same(
    made: Callable[[], tuple[nn.Module, nn.Module]],
) -> None:
    folded = normed(*made())
    x = noise(2, 12).double().requires_grad_()
    ours, theirs = folded.logits(x), folded.module(x)
    assert "batch_norm" not in names(folded.part((LOGITS,)))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    (mine,), (yours,) = (torch.autograd.grad(out.square().sum(), x) for out in (ours, theirs))
    torch.testing.assert_close(mine, yours, rtol=0, atol=1e-10)


def test_the_weights_are_those_of_the_closed_form() -> None:
    """Scale 3 / √(3.99 + 0.01) = 1.5: weights 2 → 3, and (1 − 5) · 1.5 + 7 = 1."""
    layer, norm = nn.Linear(3, 1), nn.BatchNorm1d(1, eps=0.01)
    folded = normed(layer, norm)
    constants = {layer.weight: 2, layer.bias: 1, norm.weight: 3, norm.bias: 7, norm.running_mean: 5}
    for tensor, value in (constants | {norm.running_var: 3.99}).items():
        tensor.data.fill_(value)
    part = folded.part(("norm",))
    weight, bias = (value for name, value in part.named_buffers() if "folded" in name)
    torch.testing.assert_close(weight, torch.full((1, 3), 3.0, dtype=torch.double))
    torch.testing.assert_close(bias, torch.ones(1, dtype=torch.double))


def read_twice(made: Tensor, normed: Tensor) -> Tensor:
    return normed + made


def test_what_else_reads_the_layer_s_output_keeps_it_as_it_was() -> None:
    kept = normed(nn.Conv2d(3, CHANNELS, 3), nn.BatchNorm2d(CHANNELS), read_twice)
    assert "batch_norm" in names(kept.part((LOGITS,)))
    assert kept.folding == Folding(0, 0.0)
    # Up to the norm nothing else reads it.
    torch.testing.assert_close(
        kept.run(noise(2, 12).double(), "norm"), hooked(kept.module, noise(2, 12).double())["norm"]
    )


class NormFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.layer = nn.BatchNorm2d(3), nn.Conv2d(3, CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.norm(x)).mean((2, 3))


class RowsAreChannels(nn.Module):
    """A linear layer over the last axis before a batch norm over the second."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(SIDE * SIDE, 5), nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.layer(x.flatten(2))).flatten(1)


class NoStatistics(TinyNetwork):
    def __init__(self) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(6, track_running_stats=False)


class WeightOfTheImage(TinyNetwork):
    """A convolution whose weight is computed."""

    def forward(self, x: Tensor) -> Tensor:
        made = nn.functional.conv2d(x, self.conv1.weight * self.conv1.weight.std(), None, 2, 1)
        return self.head(self.conv3(self.bn1(made)).mean((2, 3)))


def test_before_the_layer_or_on_other_axes_nothing_is_folded() -> None:
    others = [network(seeded(kind)) for kind in (NormFirst, RowsAreChannels, WeightOfTheImage)]
    others.append(normed(nn.ConvTranspose2d(3, CHANNELS, 3), nn.BatchNorm2d(CHANNELS)))
    for other in others:
        assert "batch_norm" in names(other.part((LOGITS,)))
        assert other.folding == Folding(0, 0.0)
        x = noise(2, other.input_shape[1]).to(next(other.module.parameters()))
        torch.testing.assert_close(other.logits(x), other.module(x), atol=1e-6, rtol=1e-5)


def test_statistics_of_the_batch_are_not_constant() -> None:
    module = NoStatistics().eval()
    module.bn1.running_mean = module.bn1.running_var = None
    assert network(module).folding == Folding(0, 0.0)


@pytest.fixture
def tiny() -> Network:
    return network(seeded(TinyNetwork).double())


def test_the_layer_itself_is_still_given_unfolded(tiny: Network) -> None:
    x = noise(2).double()
    seen = hooked(tiny.module, x)
    for paths in (("conv1",), ("conv1", LOGITS), ("bn1", "conv1"), ("bn1",), (LOGITS,)):
        assert ("batch_norm" in names(tiny.part(paths))) == (
            paths in [("conv1", LOGITS), ("bn1", "conv1")]
        )
        for path, output in zip(paths, tiny.run_all(x, paths), strict=True):
            expected = seen[path] if path else tiny.module(x)
            torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", [guided, deconvnet, redirected])
def test_rules_find_their_rectifiers(
    tiny: Network, rule: Callable[[Tensor, float], Tensor]
) -> None:
    plain = network(seeded(TinyNetwork).double())
    plain.folding = Folding(0, 0.0)
    assert names(plain.part((LOGITS,), rule)).count("batch_norm") == 1
    gradients = []
    for each in (tiny, plain):
        x = noise(2).double().requires_grad_()
        gradients += torch.autograd.grad(each.run(x, LOGITS, rule).square().sum(), x)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


def test_the_error_is_measured_and_too_large_a_one_forbids_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A variance of 1e-12 behind a bias of 1000 leaves little of single precision."""

    def steep() -> nn.Module:
        module = seeded(TinyNetwork)
        module.conv1.bias.data.fill_(1000)
        module.bn1.running_mean.fill_(1000)
        module.bn1.eps = 1e-12
        module.bn1.running_var.fill_(1e-6)
        return module

    good, bad = network(seeded(TinyNetwork)).folding, network(steep())
    assert good.folded == 1
    assert good.error is not None and 0 < good.error < 1e-6
    assert bad.folding.folded == 0
    assert bad.folding.error is not None and bad.folding.error > 1e-5
    assert "batch_norm" in names(bad.part((LOGITS,)))
    assert bad.folded_bytes == 0


def test_where_outputs_are_not_finite_nothing_is_folded() -> None:
    module = seeded(TinyNetwork)
    module.bn1.running_var[0] = torch.nan
    assert network(module).folding == Folding(0, None)


def test_a_weight_off_by_a_thousandth_would_be_seen(tiny: Network) -> None:
    """The comparison that the tests above rest on."""
    x = noise(2).double()
    tiny.part((LOGITS,))
    for tensor in tiny._folded.tensors:
        tensor.mul_(1.001)
    assert (tiny.logits(x) - tiny.module(x)).abs().max() > 1e-5


def test_parts_sizes_and_siblings_share_the_folded_weights(tiny: Network) -> None:
    def memory(of: Network, paths: tuple[str, ...]) -> set[int]:
        return {
            value.data_ptr() for name, value in of.part(paths).named_buffers() if "folded" in name
        }

    ours = memory(tiny, (LOGITS,))
    assert len(ours) == 2
    assert memory(tiny, ("relu3",)) == memory(tiny.at(40, 24), ("pool",)) == ours
    assert memory(replace_max_pooling(tiny)[0], (LOGITS,)) == ours
    sibling = randomize_parameters(tiny, LOGITS, 0)
    assert sibling is not None and memory(sibling.network, (LOGITS,)) == ours
    assert (
        tiny.folded_bytes
        == sum(tensor.nbytes for tensor in tiny._folded.tensors)
        == (6 * 3 * 9 + 6) * 8
    )


def test_a_shuffled_convolution_is_folded_anew(tiny: Network) -> None:
    tiny.part((LOGITS,))
    made = randomize_parameters(tiny, "bn1", 3)
    assert made is not None and made.weights == "conv1.weight"
    shuffled = seeded(TinyNetwork).double()
    shuffled.conv1.weight.data = made.network.whole.get_parameter("conv1.weight").data
    x = noise(2).double()
    torch.testing.assert_close(
        made.network.logits(x), shuffled.eval()(x).detach(), rtol=0, atol=1e-12
    )
    assert "batch_norm" not in names(made.network.part((LOGITS,)))
    torch.testing.assert_close(tiny.logits(x), tiny.module(x), rtol=0, atol=1e-12)


def test_weights_keep_the_layout_that_is_fast() -> None:
    wide = normed(nn.Conv2d(3, CHANNELS, 3), nn.BatchNorm2d(CHANNELS))
    (weight,) = (
        value
        for name, value in wide.part((LOGITS,)).named_buffers()
        if name.endswith("folded_weight")
    )
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()
