"""The sizes of style transfer: each scale, its frame, and models that take one size only."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.techniques.painting import CONTENT, STYLE, curve, made, paint
from tests.techniques.running import Recording, wide_model
from tests.tiny import photo, tiny_model
from workers.toolkit.errors import OneSizeOnly
from workers.toolkit.images.picture import from_image, pad_by_reflection
from workers.toolkit.network.vision_model import VisionModel


class OneSize(nn.Module):
    """A network of one input size, because its head flattens the map."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4 * 16 * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).flatten(1))


@pytest.fixture(scope="module")
def tiny() -> VisionModel:
    return wide_model()


def test_sizes_grow_and_the_proportions_stay(tiny: VisionModel) -> None:
    context = Recording()
    summary, _ = paint(tiny, context=context, steps=10, scales=3, size=128)
    assert summary.size == [128, 96] and made(context).shape == (96, 128, 3)
    assert summary.steps == 10 + 4 + 4 == len(context.steps) - 1
    assert all(len(values) == 18 for values in curve(context).values())


def test_what_was_painted_small_lies_in_its_place_when_larger(tiny: VisionModel) -> None:
    """With steps too small to see, the picture is the content, which its frame has not shifted."""
    _, context = paint(tiny, steps=1, scales=2, palette_weight=0, optimizer="adam", rate=1e-6)
    content = torch.from_numpy(np.array(CONTENT)).double()
    found, moved = made(context), content.roll(1, dims=1)
    assert (found - content).abs().mean() < 0.3 * (found - moved).abs().mean()


def test_beyond_the_edges_the_mirrored_content_is_painted_too(tiny: VisionModel) -> None:
    """The total variation includes 48 / 6 = 8 pixels on each side of 64 × 48."""
    summary, context = paint(tiny, steps=1, scales=1, tv_weight=2)
    wide = np.pad(np.array(CONTENT, dtype=np.float64) / 255, ((8, 8), (8, 8), (0, 0)), "reflect")
    variation = sum(np.square(np.diff(wide, axis=axis)).sum() for axis in (0, 1))
    assert summary.losses_of_content["tv"] == pytest.approx(2 * variation / (80 * 64), rel=1e-4)
    assert summary.size == [64, 48] and made(context).shape == (48, 64, 3)
    assert context.shown is not None and context.shown[1].size == (64, 48)  # the preview


def test_a_head_of_one_size_is_cut_off() -> None:
    """The style is read before the head, so that every size is painted, in its frame."""
    model, context = tiny_model(OneSize), Recording()
    summary, _ = paint(model, style_layers="conv", content_layers="conv", context=context, scales=2)
    assert summary.size == [64, 48] and made(context).shape == (48, 64, 3)
    conv = model.network.module.conv
    content = pad_by_reflection(from_image(CONTENT), 4)  # (48 / 2) / 6 at the smaller size
    pictures = content, from_image(STYLE.resize((64, 64), Image.Resampling.LANCZOS))
    with torch.no_grad():
        seen, style = (
            conv(model.preprocessing.normalize(picture))[0].flatten(1) for picture in pictures
        )
    grams = [one @ one.T / one.shape[1] for one in (seen, style)]
    power = (grams[0].diag() + grams[1].diag()) / 2
    s = (power + 0.05 * power.mean()).rsqrt()
    gap, size = ((s[:, None] * s * one).square().sum() for one in (grams[0] - grams[1], grams[1]))
    assert summary.losses_of_content["style conv"] == pytest.approx(
        300 * float(gap / size), rel=1e-3
    )


class OneSizePositions(OneSize):
    """A network of one size already before its layers, as a transformer with positions is."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 3, 32, 32))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.positions)


def test_a_model_of_one_size_says_which_sizes_were_needed_and_why() -> None:
    model, layers = tiny_model(OneSizePositions), {"style_layers": "conv", "content_layers": "conv"}
    with pytest.raises(OneSizeOnly, match="32 × 32") as refused:
        paint(model, **layers)
    assert "64 × 48" in str(refused.value)
    for word in ("size=64", "scales=1", "size=32", "square"):
        assert word in str(refused.value)
    square = photo(40, 40, seed=6)
    summary, _ = paint(model, content=square, size=32, scales=1, **layers)
    assert summary.size == [32, 32]
