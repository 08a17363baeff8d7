"""Filters: w/‖w‖ attains ‖w‖, and the picture keeps colour and zero."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from catalog.techniques.filters import FiltersParams, FiltersSummary
from tests.tiny import TinyNetwork, tiny_model
from workers.execute import execute
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.network.convolution import NotAConvolution, find_convolution


class Grouped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.grouped = nn.Conv2d(4, 8, 3, padding=1, groups=2)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.depthwise(self.grouped(self.first(x))).mean((2, 3)))


def ran(
    kind: type[nn.Module] = TinyNetwork, **fields: Any
) -> tuple[FiltersSummary, LocalContext, nn.Module]:
    model, context = tiny_model(kind), LocalContext()
    return (
        execute("filters", FiltersParams(seed=0, **fields), model, {}, context),
        context,
        model.network.module,
    )


def array(context: LocalContext) -> Tensor:
    return torch.from_numpy(np.load(io.BytesIO(context.files["filters.npy"])))


def test_the_unit_filter_attains_the_norm_and_no_unit_vector_beats_it() -> None:
    summary, context, module = ran()
    weight, units = module.conv1.weight, array(context)
    assert summary.layer == "conv1" and summary.colour
    for w, unit, norm in zip(weight, units, summary.norms, strict=True):
        assert (w * unit).sum().item() == pytest.approx(norm, rel=1e-5)
        assert unit.norm().item() == pytest.approx(1, rel=1e-5)
        others = torch.randn(2000, *w.shape, generator=torch.Generator().manual_seed(0))
        others /= others.flatten(1).norm(dim=1)[:, None, None, None]
        assert (others * w).flatten(1).sum(1).max().item() <= norm * (1 + 1e-5)


def test_colour_is_kept_and_grey_is_zero() -> None:
    _, context, module = ran()
    sheet = np.asarray(Image.open(io.BytesIO(context.files["filters.png"])))
    first = module.conv1.weight[0]
    expected = (
        (first / first.abs().max() * 127.5 + 127.5)
        .round()
        .clamp(0, 255)
        .byte()
        .permute(1, 2, 0)
        .numpy()
    )
    factor = 64 // 3
    top, left = 22, 6
    for y in range(3):
        for x in range(3):
            assert (sheet[top + y * factor + 2, left + x * factor + 2] == expected[y, x]).all()


def test_the_shared_scale_is_that_of_the_largest_value() -> None:
    alone, own, _ = ran()
    together, shared, _ = ran(scale="shared")
    assert (alone.scale, together.scale) == ("per_filter", "shared")
    assert "one scale" in together.caption
    assert own.files["filters.png"] != shared.files["filters.png"]
    assert own.files["filters.npy"] == shared.files["filters.npy"]


@pytest.mark.parametrize(
    ("layer", "shape", "groups", "words"),
    [
        ("grouped", [8, 2, 3, 3], 2, "2 channels of each group"),
        ("depthwise", [8, 1, 3, 3], 8, "the one input channel of each"),
    ],
)
def test_grouped_and_depthwise_filters_say_what_they_read(
    layer: str, shape: list[int], groups: int, words: str
) -> None:
    summary, context, _ = ran(Grouped, layer=layer)
    assert (summary.shape, summary.groups, summary.colour) == (shape, groups, False)
    assert words in summary.caption and list(array(context).shape) == shape


def test_a_filter_of_zeros_stays_zero() -> None:
    model, context = tiny_model(), LocalContext()
    model.network.module.conv1.weight[0] = 0
    summary = execute("filters", FiltersParams(seed=0), model, {}, context)
    assert summary.norms[0] == 0 and array(context)[0].abs().max() == 0


def test_the_limit_bounds_the_picture_and_not_the_array() -> None:
    summary, context, _ = ran(layer="conv3", limit=2)
    assert summary.shown == 2 and len(summary.norms) == 8 and len(array(context)) == 8


class Standardized(nn.Conv2d):
    """Weights of mean 0 and variance 1 for each filter, as in NF-ResNets (Qiao et al. 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.effective(), self.bias)

    def effective(self) -> Tensor:
        deviation = self.weight.std((1, 2, 3), correction=0, keepdim=True)
        return (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) / (deviation + 1e-5)


class Computed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.standardized = Standardized(3, 4, 3)
        self.weight_norm = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3))
        self.spectral_norm = nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 3))
        self.shared = nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.spectral_norm(self.weight_norm(self.standardized(x)))
        return self.head(self.shared(x).mean((2, 3)))


@pytest.mark.parametrize("layer", ["standardized", "weight_norm", "spectral_norm", "shared"])
def test_computed_weights_are_those_that_the_convolution_uses(layer: str) -> None:
    """A filter's response to a single pixel of one is its weight there."""
    summary, context, module = ran(Computed, layer=layer)
    convolution = getattr(module, layer)
    pixels = torch.zeros(convolution.in_channels, 9, convolution.in_channels, 3, 3)
    for channel, pixel in ((c, p) for c in range(len(pixels)) for p in range(9)):
        pixels[channel, pixel, channel, pixel // 3, pixel % 3] = 1
    with torch.no_grad():
        responses = convolution(pixels.flatten(0, 1))[:, :, 0, 0] - convolution.bias
    used = responses.T.reshape(4, convolution.in_channels, 3, 3)
    norms = used.flatten(1).norm(dim=1)
    assert summary.norms == pytest.approx(norms.tolist(), rel=1e-4)
    torch.testing.assert_close(
        array(context) * norms[:, None, None, None], used, atol=1e-5, rtol=1e-4
    )
    assert summary.weights == ("stored" if layer == "shared" else "computed")
    assert ("computed weights" in summary.caption) == (layer != "shared")
    assert summary.colour == (layer == "standardized")


class Dynamic(nn.Module):
    """A convolution whose weights are mixed by the image (Yang et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = Mixed(3, 4, 3)
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.convolution(x).mean((2, 3)))


class Mixed(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight * x.mean().sigmoid(), self.bias)


def test_weights_that_the_image_changes_are_no_filters() -> None:
    with pytest.raises(NotAConvolution, match="depend on the image"):
        find_convolution(tiny_model(Dynamic).network, "convolution")


def test_a_layer_that_is_no_convolution_is_refused() -> None:
    with pytest.raises(NotAConvolution, match="conv1"):
        ran(layer="head")


def test_a_dead_filter_is_crossed_out_and_a_weak_one_is_not() -> None:
    model, context = tiny_model(), LocalContext()
    with torch.no_grad():
        model.network.module.conv1.weight[0] *= 1e-7
        model.network.module.conv1.weight[1] *= 1e-2
    summary = execute("filters", FiltersParams(seed=0), model, {}, context)
    assert summary.dead == [0]
    sheet = np.asarray(Image.open(io.BytesIO(context.files["filters.png"])))
    cells = [sheet[22 : 22 + 63, 6 + 69 * number : 6 + 69 * number + 63] for number in (0, 1)]
    assert {tuple(color) for color in cells[0].reshape(-1, 3)} == {(205,) * 3, (130,) * 3}
    assert len(np.unique(cells[1].reshape(-1, 3), axis=0)) > 5
