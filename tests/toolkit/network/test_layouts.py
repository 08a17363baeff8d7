"""Layers whose axes are not (C, H, W).

A layer that is listed has the right axes and receptive field. A layer whose axes are not proved is
not listed.
"""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.toolkit.networks import Middle, Sandwich, hooked, network, noise, sandwich
from workers.models.describe import describe
from workers.toolkit.network.graph import shape_of
from workers.toolkit.network.receptive_fields import seen_pixels

SIDE = 16


def convnext_block(net: Sandwich, x: Tensor) -> Tensor:
    y = net.second(x).permute(0, 2, 3, 1)  # (B, H, W, C)
    return x + net.linear(F.gelu(net.norm(y))).permute(0, 3, 1, 2)


def test_channels_last_layers_are_listed_as_maps() -> None:
    module = sandwich(convnext_block)
    made = network(module, SIDE)
    layers = {layer.path: layer for layer in describe("net", made, None).layers}
    assert list(layers) == ["first", "second", "norm", "linear", "mark"]
    assert layers["mark"].receptive_field.size == [5, 5]
    assert layers["norm"].layout == "channels_last"
    seen = hooked(module, noise(1, SIDE))
    assert layers["mark"].shape == list(seen["mark"].shape[1:])
    assert torch.allclose(made.run(noise(1, SIDE), "norm"), seen["norm"].permute(0, 3, 1, 2))


def gate_of_a_fixed_window(_net: Sandwich, x: Tensor) -> Tensor:
    return x * F.avg_pool2d(x, SIDE, stride=1)  # (B, C, 1, 1), broadcast


def gate_per_row(_net: Sandwich, x: Tensor) -> Tensor:
    return x * F.avg_pool2d(x, (1, SIDE), stride=1)


def one_above_the_other(_net: Sandwich, x: Tensor) -> Tensor:
    return torch.cat([x, x], 2)


def side_by_side(_net: Sandwich, x: Tensor) -> Tensor:
    return torch.cat([x[:, :4], x[:, 4:]], 3)


def channels_for_rows(_net: Sandwich, x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2).transpose(1, 2)  # as many rows as channels: the shape does not tell


def norm_over_all_axes(_net: Sandwich, x: Tensor) -> Tensor:
    y = x.permute(0, 2, 3, 1)
    return F.layer_norm(y, y.shape[1:]).permute(0, 3, 1, 2)


def lower_half_of_channels_last(_net: Sandwich, x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)[:, SIDE // 2 :].permute(0, 3, 1, 2)


def second_half_of_channels_last(_net: Sandwich, x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).split(SIDE // 2, 1)[1].permute(0, 3, 1, 2)


def stacked_channels_last(_net: Sandwich, x: Tensor) -> Tensor:
    y = x.permute(0, 2, 3, 1)
    return torch.cat([y, y], 1).permute(0, 3, 1, 2)


def mirrored_beyond_the_window(_net: Sandwich, x: Tensor) -> Tensor:
    return F.pad(x, (3, 3, 3, 3), mode="reflect")


def wrapped_around(_net: Sandwich, x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="circular")


def every_second_pixel(_net: Sandwich, x: Tensor) -> Tensor:
    return x[:, :, ::2, ::2]


def rolled(_net: Sandwich, x: Tensor) -> Tensor:
    return x.roll(3, 2)


def shuffled_channels(_net: Sandwich, x: Tensor) -> Tensor:
    batch, _, height, width = x.shape
    return x.view(batch, 2, 4, height, width).transpose(1, 2).reshape(batch, 8, height, width)


def overwritten_through_a_view(_net: Sandwich, x: Tensor) -> Tensor:
    x.chunk(2, 1)[0].relu_()
    return F.max_pool2d(x, 3, 2)


MIDDLES = [
    gate_of_a_fixed_window, gate_per_row, one_above_the_other, side_by_side, channels_for_rows,
    norm_over_all_axes, lower_half_of_channels_last, second_half_of_channels_last,
    stacked_channels_last, mirrored_beyond_the_window, wrapped_around, every_second_pixel, rolled,
    shuffled_channels, overwritten_through_a_view,
]  # fmt: skip


@pytest.mark.parametrize("middle", MIDDLES)
def test_a_listed_field_holds_every_pixel_that_the_gradient_reaches(middle: Middle) -> None:
    made = network(sandwich(middle), SIDE)
    node = made.layers.get("mark")
    seen = seen_pixels(made.whole.graph).get(node) if node else None
    if node is None or seen is None:
        return  # no layer, or nothing is claimed
    _, height, width = shape_of(node)
    for y in range(0, height, 3):
        for x in range(0, width, 3):
            image = noise(1, SIDE).requires_grad_()
            (gradient,) = torch.autograd.grad(made.run(image, "mark")[0, :, y, x].sum(), image)
            left, top, right, bottom = seen.box(y, x)
            gradient[:, :, top:bottom, left:right] = 0
            assert not int(gradient.count_nonzero()), f"unit {y},{x} sees beyond {seen.box(y, x)}"
