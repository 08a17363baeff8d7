"""Receptive fields against published tables, and against where the gradient really comes from."""

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from catalog.models import find_model
from tests.tiny import seeded
from tests.toolkit.networks import Mark, Middle, Sandwich, network, sandwich
from workers.models.describe import describe, describe_architecture
from workers.toolkit.network.graph import module_of
from workers.toolkit.network.layout import Layout
from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import (
    fields_and_reasons,
    receptive_fields,
    seen_pixels,
)
from workers.toolkit.network.returned_tensors import RETURNED

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


class AtBorders(nn.Module):
    """What differs at a border: dilation, mirrored and circular padding, pools of uneven windows.

    Branches of other strides meet, and some units see only padding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(3, 4, 3, padding=4, dilation=4)
        self.strided = nn.Conv2d(4, 4, 3, stride=2, padding=3, dilation=3)
        self.mirrored = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.repeated = nn.Conv2d(4, 4, 5, padding=2, padding_mode="replicate")
        self.padded = nn.Conv2d(4, 4, 1, padding=2)
        self.uneven = nn.AdaptiveAvgPool2d((4, 7))
        self.met = Mark()

    def forward(self, x: Tensor) -> Tensor:
        x = self.repeated(self.mirrored(self.strided(self.dilated(x))))
        return self.met(self.uneven(self.padded(x)))


class Even(AtBorders):
    """An adaptive pool whose windows are all of one size."""

    def __init__(self) -> None:
        super().__init__()
        self.even = nn.AdaptiveAvgPool2d((3, 11))

    def forward(self, x: Tensor) -> Tensor:
        x = self.dilated(x)
        return self.met(self.even(x) + F.adaptive_max_pool2d(x, (3, 11)))


def reached(made: Network, path: str, y: int, x: int) -> tuple[int, int, int, int]:
    """The box of all pixels on which the unit's gradient is not zero, or an empty one."""
    like = next(made.module.parameters())
    image = like.new_ones(1, *made.input_shape).requires_grad_()
    (gradient,) = torch.autograd.grad(made.run(image, path)[0, :, y, x].sum(), image)
    places = (gradient[0].abs().sum(0) > 0).nonzero()
    if not len(places):
        return 0, 0, 0, 0
    ys, xs = places.T
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("kind", [Positive, Padded, AtBorders, Even])
def test_the_gradient_comes_from_exactly_the_box(kind: type[nn.Module]) -> None:
    made = network(positive(kind).double(), SIDE)
    seen = seen_pixels(made.whole.graph)
    for path, node in made.layers.items():
        _, height, width = made.layer_shape(path)
        for y in {*range(5), height // 2, height - 2, height - 1} & {*range(height)}:
            for x in {0, 1, 2, width // 3, width - 2, width - 1} & {*range(width)}:
                assert seen[node].box(y, x) == reached(made, path, y, x), (path, y, x)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("kind", [Positive, Padded, Even])
def test_a_field_is_what_an_inner_unit_sees(kind: type[nn.Module]) -> None:
    made = network(positive(kind).double(), SIDE)
    fields = receptive_fields(made.whole.graph)
    for path, node in made.layers.items():
        _, height, width = made.layer_shape(path)
        y, x = height // 2, width // 2
        field = fields[node]
        top, left = (o + i * s for o, i, s in zip(field.first, (y, x), field.stride, strict=True))
        assert (
            max(left, 0), max(top, 0), min(left + field.size[1], SIDE),
            min(top + field.size[0], SIDE),
        ) == reached(made, path, y, x)  # fmt: skip


def test_an_adaptive_pool_has_the_field_of_its_windows_where_they_are_of_one_size() -> None:
    made = network(positive(Even), SIDE)
    field = receptive_fields(made.whole.graph)[made.layers["even"]]
    assert (field.size, field.stride, field.first) == ((11 + 8, 3 + 8), (11, 3), (-4, -4))


def test_a_unit_that_sees_only_padding_has_an_empty_box() -> None:
    made = network(positive(AtBorders), SIDE)
    box = seen_pixels(made.whole.graph)[made.layers["padded"]].box(0, 0)
    assert box == (0, 0, 0, 0)


REASONS = {
    "uneven": "The windows of 'adaptive_avg_pool2d' in 'uneven' differ in size.",
    "met": "The windows of 'adaptive_avg_pool2d' in 'uneven' differ in size.",
}


def test_a_field_that_is_not_regular_has_a_reason() -> None:
    made = network(positive(AtBorders), SIDE)
    fields, reasons = fields_and_reasons(made.whole.graph)
    for path, node in made.layers.items():
        assert reasons.get(node, "") == REASONS.get(path, "")
        assert (fields[node] is None) == (path in REASONS)


def strided_shortcut(net: Sandwich, x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2) + net.second(x)[:, :, ::2, ::2]


def summed_up(_net: Sandwich, x: Tensor) -> Tensor:
    return torch.cumsum(x, 2)


def different_strides(_net: Sandwich, x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 4, stride=4) + F.conv2d(x, torch.ones(8, 8, 11, 11), stride=3)


def ring(_net: Sandwich, x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="circular")


def mirrored_far(_net: Sandwich, x: Tensor) -> Tensor:
    return F.pad(x, (6, 6, 6, 6), mode="reflect")


def mean_gate_of_places(_net: Sandwich, x: Tensor) -> Tensor:
    return x * x.mean((2, 3), keepdim=True)


def group_norm(_net: Sandwich, x: Tensor) -> Tensor:
    return F.group_norm(x, 2)


@pytest.mark.parametrize(
    ("middle", "reason"),
    [
        (summed_up, "Which pixels the output of 'cumsum' depends on is not known."),
        (different_strides, "Branches of different strides meet at 'add'."),
        (ring, "The borders of the map are joined by 'pad'."),
        (
            mirrored_far,
            "At the borders, mirrored padding shows units pixels outside of a regular field.",
        ),
        (mean_gate_of_places, "Every unit sees all that the network sees of the image, by 'mean'."),
        (group_norm, "Every unit sees all that the network sees of the image, by 'group_norm'."),
    ],
)
def test_the_reason_names_the_operator(middle: Middle, reason: str) -> None:
    made = network(sandwich(middle))
    _, reasons = fields_and_reasons(made.whole.graph)
    assert reasons.get(mark_of(made), "") == reason


@pytest.mark.parametrize("middle", [different_strides, ring, mirrored_far])
def test_without_a_regular_field_the_box_is_still_exact(middle: Middle) -> None:
    made = network(positive_sandwich(middle), SIDE - 1)
    mark = mark_of(made)
    mark.meta |= {RETURNED: {"mark": "Mark"}, "layout": Layout("map")}  # axes or not
    seen = seen_pixels(made.whole.graph)[mark]
    for y in range(0, len(seen.rows), 2):
        for x in range(0, len(seen.columns), 3):
            assert seen.box(y, x) == reached(made, "mark", y, x), (y, x)


def test_the_box_behind_a_strided_slice_is_exact() -> None:
    made = network(positive_sandwich(strided_shortcut))
    assert receptive_fields(made.whole.graph)[mark_of(made)] is not None
    seen = seen_pixels(made.whole.graph)[mark_of(made)]
    for y, x in ((0, 0), (2, 1), (len(seen.rows) - 1, len(seen.columns) - 1)):
        assert seen.box(y, x) == reached(made, "mark", y, x), (y, x)


def mark_of(made: Network) -> fx.Node:
    """The operator of `mark`, which is no layer where its axes are not proved."""
    return next(node for node in made.whole.graph.nodes if module_of(node) == "mark")


def positive_sandwich(middle: Middle) -> nn.Module:
    made = sandwich(middle)
    for parameter in made.parameters():
        nn.init.uniform_(parameter, 0.5, 1)
    return made


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
