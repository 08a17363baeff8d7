"""Which tensors are proved to be laid out like the image, and which are not."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.toolkit.networks import CHANNELS, Middle, Sandwich, hooked, network, noise, sandwich
from workers.toolkit.errors import LayerWithoutMap, OneSizeOnly
from workers.toolkit.network.layers import layout_of, unproved_layers, unproved_reason
from workers.toolkit.network.maps import last_map

SIDE = 16


def windows(net: Sandwich, x: Tensor) -> Tensor:
    """Partition into windows, mix within each, and put the windows back."""
    y = x.view(-1, CHANNELS, 2, 8, 2, 8).permute(0, 2, 4, 3, 5, 1).reshape(-1, 64, CHANNELS)
    y = F.scaled_dot_product_attention(y, y, y)
    y = net.linear(y).view(-1, 2, 2, 8, 8, CHANNELS).permute(0, 5, 1, 3, 2, 4)
    return x + y.reshape(-1, CHANNELS, SIDE, SIDE)


def shifted_windows(net: Sandwich, x: Tensor) -> Tensor:
    return windows(net, x.roll((3, 3), (2, 3))).roll((-3, -3), (2, 3))


def pyramid(_net: Sandwich, x: Tensor) -> Tensor:
    return x + F.interpolate(F.avg_pool2d(x, 4), scale_factor=4, mode="bilinear")


def merged_patches(_net: Sandwich, x: Tensor) -> Tensor:
    corners = [x[:, :2, y::2, z::2] for y in (0, 1) for z in (0, 1)]
    return torch.cat(corners, 1)


def space_to_depth(net: Sandwich, x: Tensor) -> Tensor:
    y = x.view(-1, CHANNELS, 8, 2, 8, 2).permute(0, 3, 5, 1, 2, 4).reshape(-1, 32, 8, 8)
    return F.conv2d(y, y.new_ones(CHANNELS, 32, 1, 1))


def gated(_net: Sandwich, x: Tensor) -> Tensor:
    return x * x.mean((2, 3), keepdim=True).sigmoid()


def channel_attention(_net: Sandwich, x: Tensor) -> Tensor:
    y = x.flatten(2)
    mixed = (y @ y.transpose(1, 2)).softmax(-1) @ y
    return x + mixed.view(x.shape)


PROVED = [windows, shifted_windows, pyramid, merged_patches, space_to_depth, gated]
PROVED += [channel_attention]


@pytest.mark.parametrize("middle", PROVED)
def test_a_map_is_proved_whatever_happens_on_the_way(middle: Middle) -> None:
    assert layout_of(network(sandwich(middle), SIDE).layers["mark"]).kind == "map"


@pytest.mark.parametrize("middle", PROVED)
def test_a_place_of_a_proved_map_reacts_most_to_its_own_part_of_the_image(middle: Middle) -> None:
    made = network(sandwich(middle), SIDE)
    torch.manual_seed(0)
    _, height, width = made.layer_shape("mark")
    before = made.run(noise(1, SIDE), "mark")
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        image = noise(1, SIDE)
        image[:, :, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8] += 3
        change = (made.run(image, "mark") - before).abs().mean((0, 1))
        quadrants = F.avg_pool2d(change[None, None], (height // 2, width // 2))[0, 0]
        assert int(quadrants.argmax()) == 2 * y + x


def transposed(_net: Sandwich, x: Tensor) -> Tensor:
    return x.transpose(2, 3)


def flipped(_net: Sandwich, x: Tensor) -> Tensor:
    return x.flip(3)


def halves_together(_net: Sandwich, x: Tensor) -> Tensor:
    return x[:, :, : SIDE // 2] + x[:, :, SIDE // 2 :]


def mirrored_onto_itself(_net: Sandwich, x: Tensor) -> Tensor:
    return x + x.flip(2)


def generated(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(x.mean((2, 3), keepdim=True).expand(-1, -1, 4, 4))


def reshaped_at_will(_net: Sandwich, x: Tensor) -> Tensor:
    return x.reshape(-1, SIDE, CHANNELS, SIDE)


def of_an_unknown_operator(_net: Sandwich, x: Tensor) -> Tensor:
    return torch.cumsum(x, 2)


NOT_PROVED = [transposed, flipped, halves_together, mirrored_onto_itself, generated]
NOT_PROVED += [reshaped_at_will, of_an_unknown_operator]


@pytest.mark.parametrize("middle", NOT_PROVED)
def test_what_is_not_laid_out_like_the_image_is_no_layer(middle: Middle) -> None:
    assert "mark" not in network(sandwich(middle), SIDE).layers


def flipped_first(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(x.flip(3).relu())


def rolled_first(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(x.roll(3, 2))


ORDER = torch.randperm(SIDE, generator=torch.Generator().manual_seed(0))


def permuted_first(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(x[:, :, ORDER])


REORDERED = {
    flipped: "flip", flipped_first: "flip", rolled_first: "roll", permuted_first: "index",
    mirrored_onto_itself: "flip", of_an_unknown_operator: "cumsum",
}  # fmt: skip


@pytest.mark.parametrize("middle", REORDERED)
def test_the_operator_is_named_that_changed_the_order(middle: Middle) -> None:
    node = unproved_layers(network(sandwich(middle), SIDE).whole.graph)["mark"]
    assert unproved_reason(node).endswith(f"behind the operator {REORDERED[middle]}.")


class ClassToken(nn.Module):
    """A transformer with a class token, which alone is read in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.first, self.second = Block(), Block()
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        return self.head(self.second(self.first(x))[:, 0])


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).chunk(3, 2)
        return x + F.scaled_dot_product_attention(q, k, v)


def test_tokens_behind_a_class_token_are_a_map_of_the_others() -> None:
    torch.manual_seed(0)
    module = ClassToken()
    made = network(module, SIDE)
    layout = layout_of(made.layers["second"])
    assert (layout.kind, layout.prefix, layout.grid) == ("tokens", 1, (4, 4))
    seen = hooked(module, noise(2, SIDE))["first"]
    expected = seen[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
    assert torch.allclose(made.run(noise(2, SIDE), "first"), expected, atol=1e-6)


def test_the_last_map_is_one_whose_places_have_an_effect() -> None:
    torch.manual_seed(0)
    # The output reads the class token of `second` alone, and its queries only.
    assert last_map(network(ClassToken(), SIDE)) == "second.norm"


def test_the_gradient_by_a_map_of_tokens_is_that_by_the_tokens() -> None:
    torch.manual_seed(0)
    module = ClassToken()
    made = network(module, SIDE)
    image = noise(1, SIDE).requires_grad_()
    output, places = made.run_all(image, ("", "second.norm"))
    (found,) = torch.autograd.grad(output[:, 1].sum(), places)
    kept: list[Tensor] = []
    handle = module.second.norm.register_forward_hook(lambda _m, _g, out: kept.append(out))
    expected_output = module(noise(1, SIDE).requires_grad_())
    handle.remove()
    (expected,) = torch.autograd.grad(expected_output[:, 1].sum(), kept[0])
    assert torch.allclose(found, expected[:, 1:].transpose(1, 2).unflatten(2, (4, 4)), atol=1e-6)


def halved_and_doubled(_net: Sandwich, x: Tensor) -> Tensor:
    """An odd map that is pooled and resized again, as in a U-Net of 28 pixels."""
    odd = F.avg_pool2d(x[:, :, :14, :14], 2)  # 7 × 7
    return odd + F.interpolate(F.max_pool2d(odd, 3, 2, 1), size=odd.shape[2:])


def scaled_by_one_number(_net: Sandwich, x: Tensor) -> Tensor:
    return x + 0.3 * x.mean().clamp(max=1)


def gated_linear_unit(net: Sandwich, x: Tensor) -> Tensor:
    return F.glu(torch.cat([x, net.second(x)], 1), 1)


def local_response_norm(_net: Sandwich, x: Tensor) -> Tensor:
    return F.local_response_norm(x, 3)


def depth_to_space(_net: Sandwich, x: Tensor) -> Tensor:
    return F.pixel_shuffle(x, 2)


@pytest.mark.parametrize(
    "middle",
    [
        halved_and_doubled,
        scaled_by_one_number,
        gated_linear_unit,
        local_response_norm,
        depth_to_space,
    ],
)
def test_less_common_operators_keep_places(middle: Middle) -> None:
    assert layout_of(network(sandwich(middle), SIDE).layers["mark"]).kind == "map"


def chosen_by_the_image(_net: Sandwich, x: Tensor) -> Tensor:
    order = x.mean((0, 1, 2)).argsort()
    return x[:, :, :, order]


def of_a_table(_net: Sandwich, x: Tensor) -> Tensor:
    table = torch.linspace(0, 1, 256)
    return table[(x.sigmoid() * 255).long()]


@pytest.mark.parametrize("middle", [chosen_by_the_image, of_a_table])
def test_an_index_that_the_image_decides_about_proves_nothing(middle: Middle) -> None:
    assert "mark" not in network(sandwich(middle), SIDE).layers


def running_sum(net: Sandwich, x: Tensor) -> Tensor:
    return net.second(torch.cumsum(x, 2))


def test_the_default_map_is_not_one_before_an_operator_that_hides_later_ones() -> None:
    made = network(sandwich(running_sum), SIDE)
    assert list(made.layers) == ["first"]
    with pytest.raises(LayerWithoutMap, match=r"'second' is nearer.*operator cumsum"):
        last_map(made)


def test_a_layer_that_is_not_proved_at_another_size_is_refused_in_words() -> None:
    made = network(sandwich(fits_even_sizes_only), SIDE)
    assert "mark" in made.layers
    with pytest.raises(OneSizeOnly, match="At 18 × 18 pixels, 'mark' is not proved"):
        made.at(18, 18).run(noise(1, 18), "mark")


def fits_even_sizes_only(_net: Sandwich, x: Tensor) -> Tensor:
    return x if x.shape[2] == SIDE else x.flip(2)


class MaxOfAllPlaces(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).amax((2, 3)))


def test_a_map_of_which_only_the_maximum_counts_is_the_last_map() -> None:
    torch.manual_seed(0)
    assert last_map(network(MaxOfAllPlaces(), SIDE)) == "features"


class ClassTokenAtTheEnd(ClassToken):
    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([x, self.token.expand(x.shape[0], -1, -1)], 1)
        return self.head(self.second(self.first(x))[:, -1])


def test_the_default_map_is_not_an_early_one_before_layers_of_an_unknown_layout() -> None:
    torch.manual_seed(0)
    with pytest.raises(LayerWithoutMap, match=r"'patch', but 'first\.norm' is nearer"):
        last_map(network(ClassTokenAtTheEnd(), SIDE))
