"""A map is drawn where its places lie: each pixel has the value of the places that see it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.toolkit.networks import network
from tests.workers.odd_networks import SIDE, built
from workers.toolkit.network.layers import grid_of
from workers.toolkit.network.map_placement import covers_image, draw_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import seen_pixels

LAYER = "second"
PLACED = ["Cropped", "CroppedByPadding", "CroppedLate", "Padded", "Zoomed", "Valid"]


def odd(kind: str) -> Network:
    return network(built(kind), SIDE)


def values(made: Network) -> Tensor:
    shape = made.layer_shape(LAYER)[1:]
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 1


def seen(made: Network) -> Tensor:
    """Return where the image has an effect on the layer, (H, W), by gradients."""
    x = torch.randn(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (gradient,) = torch.autograd.grad(made.run(x, LAYER).square().sum(), x)
    return gradient.abs().amax((0, 1)) > 0


@pytest.mark.parametrize("kind", ["Cropped", "CroppedByPadding", "Zoomed"])
def test_a_map_is_drawn_where_the_network_sees_the_image_and_is_zero_elsewhere(kind: str) -> None:
    made = odd(kind)
    assert torch.equal(draw_map(made, LAYER, values(made)) > 0, seen(made))


def test_the_map_of_a_crop_lies_in_the_crop_place_by_place() -> None:
    made = odd("Cropped")
    expected = torch.zeros(SIDE, SIDE)
    expected[2:10, 4:12] = values(made)
    torch.testing.assert_close(draw_map(made, LAYER, values(made)), expected)


def test_a_place_of_a_cropped_map_lies_where_it_was_before() -> None:
    made = odd("CroppedLate")
    drawn = draw_map(made, LAYER, values(made))
    torch.testing.assert_close(drawn[4:12, 4:12], values(made))
    # The convolution before the crop sees one pixel more.
    assert torch.equal(drawn > 0, seen(made))


def test_of_a_padded_image_the_padding_is_left_out() -> None:
    made = odd("Padded")
    torch.testing.assert_close(draw_map(made, LAYER, values(made)), values(made)[4:20, 4:20])


def test_the_map_of_an_enlarged_crop_shrinks_to_the_crop() -> None:
    made = odd("Zoomed")
    expected = F.pad(F.avg_pool2d(values(made)[None], 2)[0], (4, 4, 4, 4))
    torch.testing.assert_close(draw_map(made, LAYER, values(made)), expected)


def test_places_of_convolutions_without_padding_lie_in_the_middle_of_what_they_see() -> None:
    made = odd("Valid")
    drawn, boxes = draw_map(made, LAYER, values(made)), seen_pixels(made.whole.graph)
    for place in ((0, 0), (3, 5), (7, 7)):
        left, top, right, bottom = boxes[made.layers[LAYER]].box(*place)
        middle = drawn[(top + bottom) // 2, (left + right) // 2]
        torch.testing.assert_close(middle, values(made)[place])
    assert bool((drawn > 0).all())  # the outermost places see the borders


@pytest.mark.parametrize("kind", PLACED)
def test_a_bright_spot_is_drawn_where_it_is(kind: str) -> None:
    made = odd(kind)
    dark, bright = torch.zeros(2, 3, SIDE, SIDE)
    bright[:, 6, 8] = 50
    before, after = made.run(torch.stack([dark, bright]), LAYER)
    drawn = draw_map(made, LAYER, (after - before).abs().sum(0))
    y, x = (drawn[:, :, None] * _pixels()).sum((0, 1)) / drawn.sum()
    assert abs(y - 6) < 1 and abs(x - 8) < 1


def _pixels() -> Tensor:
    return torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1)


@pytest.mark.parametrize("kind", ["Cropped", "CroppedLate"])
def test_the_box_of_a_unit_behind_a_crop_is_what_it_sees(kind: str) -> None:
    made = odd(kind)
    boxes = seen_pixels(made.whole.graph)[made.layers[LAYER]]
    for y, x in ((0, 0), (3, 5), (7, 7)):
        image = torch.randn(1, 3, SIDE, SIDE).requires_grad_()
        (gradient,) = torch.autograd.grad(made.run(image, LAYER)[..., y, x].sum(), image)
        rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
        expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert boxes.box(y, x) == tuple(map(int, expected))


class Downsampled(nn.Module):
    """Padding on one side only, as of TensorFlow, and an end that no window reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2)
        self.second = nn.Conv2d(8, 8, 2, stride=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(F.pad(x, (0, 1, 0, 1)))).mean((2, 3))


class Trimmed(Downsampled):
    """Pads a map to whole windows and takes the padding away again, as Swin does."""

    def forward(self, x: Tensor) -> Tensor:
        wider = F.pad(self.first(F.pad(x, (0, 1, 0, 1))), (0, 1, 0, 1))
        return self.second(wider[:, :, :-1, :-1]).mean((2, 3))


ORDINARY = [built("Net"), Downsampled(), Trimmed()]


@pytest.mark.parametrize("module", ORDINARY, ids=["Net", "Downsampled", "Trimmed"])
def test_a_map_that_covers_the_image_is_stretched_over_it_bit_by_bit(module: nn.Module) -> None:
    made = network(module.eval(), SIDE)
    grid = grid_of(made.layers[LAYER])
    assert grid is not None and covers_image(grid, (SIDE, SIDE))
    stretched = F.interpolate(
        values(made)[None, None], (SIDE, SIDE), mode="bilinear", align_corners=False
    )
    assert torch.equal(draw_map(made, LAYER, values(made)), stretched[0, 0])
