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
from workers.toolkit.network.convolution import NotAConvolution


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


def test_a_layer_that_is_no_convolution_is_refused() -> None:
    with pytest.raises(NotAConvolution, match="conv1"):
        ran(layer="head")
