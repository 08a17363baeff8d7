"""Receptive fields against published tables, and against where the gradient really comes from."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from catalog.models import find_model
from tests.tiny import seeded
from tests.toolkit.networks import Mark, Middle, Sandwich, network, sandwich
from workers.models.describe import describe, describe_architecture
from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import ReceptiveField, receptive_fields

# features.N → size, stride, offset of the first pixel, by the standard recurrence (recipes, B1).
ALEXNET = {
    0: (11, 4, -2), 2: (19, 8, -2), 3: (51, 8, -18), 5: (67, 16, -18), 6: (99, 16, -34),
    8: (131, 16, -50), 10: (163, 16, -66), 12: (195, 32, -66),
}  # fmt: skip
VGG16 = {
    0: (3, 1, -1), 2: (5, 1, -2), 4: (6, 2, -2), 5: (10, 2, -4), 7: (14, 2, -6), 9: (16, 4, -6),
    10: (24, 4, -10), 12: (32, 4, -14), 14: (40, 4, -18), 16: (44, 8, -18), 17: (60, 8, -26),
    19: (76, 8, -34), 21: (92, 8, -42), 23: (100, 16, -42), 24: (132, 16, -58),
    26: (164, 16, -74), 28: (196, 16, -90), 30: (212, 32, -90),
}  # fmt: skip
SIDE = 33


@pytest.mark.parametrize(("model", "table"), [("alexnet", ALEXNET), ("vgg16", VGG16)])
def test_the_fields_of_well_known_networks(
    model: str, table: dict[int, tuple[int, int, int]]
) -> None:
    fields = {
        layer.path: layer.receptive_field
        for layer in describe_architecture(find_model(model)).layers
    }
    for number, (size, stride, offset) in table.items():
        field = fields[f"features.{number}"]
        assert (field.size, field.stride, field.offset) == (
            [size] * 2,
            [stride] * 2,
            [offset] * 2,
        ), number


class Positive(nn.Module):
    """Every kind of window, with positive weights.

    No gradient cancels, so that a unit sees exactly the pixels that its gradient reaches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 4, (3, 5), stride=(1, 2), padding=(1, 2))
        self.dilated = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)
        self.side = nn.Conv2d(4, 4, 1)
        self.joined = Mark()
        self.same = nn.Conv2d(4, 4, 5, padding="same")
        self.average = nn.AvgPool2d(3, stride=2, padding=1)
        self.last = nn.Conv2d(4, 4, (3, 2), stride=(2, 1), padding=(1, 0))
        self.met = Mark()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.wide(x))
        x = self.joined(torch.cat([self.dilated(x) + x, self.side(x)], 1)[:, 2:6])
        x = self.average(self.same(x))
        return self.met(self.last(F.pad(x, (1, 0))) + self.last(F.pad(self.side(x), (0, 1))))


class Padded(Positive):
    """Padding on one side, an even window with `same`, and a pool that rounds up."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(self.wide(F.pad(x, (2, 0, 1, 0))), 2, ceil_mode=True)
        return self.met(F.conv2d(x, self.even, padding="same"))

    def __init__(self) -> None:
        super().__init__()
        self.even = nn.Parameter(torch.ones(4, 4, 4, 4))


def positive(kind: type[nn.Module]) -> nn.Module:
    module = seeded(kind)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.5, 1)
    return module


def reached(made: Network, path: str, y: int, x: int) -> tuple[int, int, int, int]:
    """The box of all pixels on which the unit's gradient is not zero."""
    image = torch.ones(1, *made.input_shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(made.run(image, path)[0, :, y, x].sum(), image)
    ys, xs = (gradient[0].abs().sum(0) > 0).nonzero().T
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("kind", [Positive, Padded])
def test_the_gradient_comes_from_exactly_the_field(kind: type[nn.Module]) -> None:
    made = network(positive(kind), SIDE)
    fields = receptive_fields(made.whole.graph)
    for path, node in made.layers.items():
        _, height, width = made.layer_shape(path)
        for y in (0, 1, height // 2, height - 1):
            for x in (0, 1, width // 2, width - 1):
                assert fields[node].box(y, x, SIDE, SIDE) == reached(made, path, y, x), (path, y, x)


def test_a_box_is_the_field_moved_by_the_stride_and_clipped() -> None:
    field = ReceptiveField(size=(5, 7), stride=(2, 3), first=(-2, -4))
    assert field.box(0, 0, 100, 100) == (0, 0, 3, 3)
    assert field.box(4, 5, 100, 100) == (11, 6, 18, 11)
    assert field.box(4, 5, 10, 16) == (11, 6, 16, 10)


def pooled_gate(_net: Sandwich, x: Tensor) -> Tensor:
    return x * F.adaptive_avg_pool2d(x, 1).sigmoid()


def mean_gate(_net: Sandwich, x: Tensor) -> Tensor:
    return x * x.mean((2, 3), keepdim=True).sigmoid()


def convolved_gate(net: Sandwich, x: Tensor) -> Tensor:
    return x * net.pointwise(F.relu(net.pointwise(F.adaptive_avg_pool2d(x, 1)))).sigmoid()


def linear_gate(net: Sandwich, x: Tensor) -> Tensor:
    return x * net.linear(x.mean((2, 3))).sigmoid()[:, :, None, None]


@pytest.mark.parametrize("gate", [pooled_gate, mean_gate, convolved_gate, linear_gate])
def test_behind_a_squeeze_and_excite_gate_a_unit_sees_everything_and_can_be_a_target(
    gate: Middle,
) -> None:
    listed = {layer.path: layer for layer in describe("net", network(sandwich(gate)), None).layers}
    assert listed["first"].receptive_field.size == [3, 3]
    assert "mark" in listed
    assert listed["mark"].receptive_field is None
    assert listed["mark"].shape == [8, 32, 32]


def standardized_weight(net: Sandwich, x: Tensor) -> Tensor:
    weight = net.second.weight
    return F.conv2d(x, (weight - weight.mean()) / weight.std(), padding=1)


def scaled_by_a_learned_number(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(x) * net.linear.bias.exp().view(1, -1, 1, 1)


@pytest.mark.parametrize("middle", [standardized_weight, scaled_by_a_learned_number])
def test_what_is_made_of_weights_alone_does_not_hide_a_layer(middle: Middle) -> None:
    listed = {
        layer.path: layer for layer in describe("net", network(sandwich(middle)), None).layers
    }
    assert "mark" in listed
    assert listed["mark"].receptive_field.size == [5, 5]
