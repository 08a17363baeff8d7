"""Occlusion against captum, and against loops where captum has no such mode."""

import io
from collections.abc import Callable

import pytest
import torch
from captum.attr import Occlusion
from PIL import Image
from torch import Tensor

from tests.techniques.running import PHOTO, explain, values
from tests.tiny import SIDE, TinyNetwork, tiny_model
from workers.toolkit.errors import NotFinite
from workers.toolkit.network.vision_model import VisionModel

Scorer = Callable[[Tensor], Tensor]
CLASS = 3
LEVELS = {"gray": 0.5, "black": 0.0, "white": 1.0, "mean": None}
# The last two do not divide the image: their last windows are cut off at the edge.
GRIDS = [(8, 8), (8, 4), (5, 1), (SIDE, SIDE), (9, 7), (31, 2)]


def scorer(model: VisionModel, score: str) -> Scorer:
    module = model.network.module
    return (lambda x: module(x).softmax(1)) if score == "probability" else module


def filled(model: VisionModel, x: Tensor, fill: str) -> Tensor:
    """The input (1, 3, H, W) that shows the fill everywhere."""
    level = LEVELS[fill]
    colors = [
        0.0 if level is None else (level - m) / s
        for m, s in zip(model.preprocessing.mean, model.preprocessing.std, strict=True)
    ]
    return torch.tensor(colors)[None, :, None, None].expand_as(x).contiguous()


@torch.no_grad()
def captum_map(
    score: Scorer, x: Tensor, index: int, window: int, stride: int, fill: Tensor
) -> Tensor:
    attribution = Occlusion(score).attribute(
        x,
        (3, window, window),
        strides=(3, stride, stride),
        baselines=fill,
        target=index,
        perturbations_per_eval=9,
    )
    assert torch.equal(attribution[0, 0], attribution[0, 2])
    return attribution[0, 0].float()


@torch.no_grad()
def looped(
    score: Callable[[Tensor], Tensor], x: Tensor, window: int, stride: int, fill: Tensor
) -> tuple[Tensor, list]:
    """Return the sum of falls (H, W), and every (fall, left, top) in order.

    The last windows reach the edge.
    """
    side = x.shape[3]
    total, falls, base = torch.zeros(side, side), [], float(score(x))
    top = 0
    while top == 0 or top - stride + window < side:
        left = 0
        while left == 0 or left - stride + window < side:
            covered = x.clone()
            covered[:, :, top : top + window, left : left + window] = fill[
                :, :, top : top + window, left : left + window
            ]
            falls.append((base - float(score(covered)), left, top))
            total[top : top + window, left : left + window] += falls[-1][0]
            left += stride
        top += stride
    return total, falls


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("window", "stride"), GRIDS)
def test_the_map_is_captums(tiny: VisionModel, window: int, stride: int, score: str) -> None:
    _, context = explain(
        "occlusion", tiny, target=f"class:{CLASS}", window=window, stride=stride, score=score
    )
    x = tiny.prepare(PHOTO).x
    theirs = captum_map(scorer(tiny, score), x, CLASS, window, stride, filled(tiny, x, "gray"))
    torch.testing.assert_close(values(context), theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("fill", LEVELS)
def test_every_plain_fill_is_a_baseline_of_captum(tiny: VisionModel, fill: str) -> None:
    _, context = explain(
        "occlusion", tiny, target=f"class:{CLASS}", window=9, stride=7, score="logit", fill=fill
    )
    x = tiny.prepare(PHOTO).x
    baseline = filled(tiny, x, fill)
    assert fill != "mean" or not baseline.any()
    torch.testing.assert_close(
        values(context), captum_map(scorer(tiny, "logit"), x, CLASS, 9, 7, baseline)
    )


@pytest.mark.parametrize(("window", "stride"), [(8, 8), (9, 7), (12, 5)])
def test_sum_adds_the_falls_of_all_windows_over_a_pixel(
    tiny: VisionModel, window: int, stride: int
) -> None:
    summary, context = explain(
        "occlusion", tiny, target="top", window=window, stride=stride, aggregate="sum"
    )
    x, index = tiny.prepare(PHOTO).x, summary.target.index
    score = scorer(tiny, "probability")
    total, falls = looped(lambda x: score(x)[0, index], x, window, stride, filled(tiny, x, "gray"))
    torch.testing.assert_close(values(context), total, atol=1e-6, rtol=1e-5)
    assert summary.positions == len(falls)


def test_the_summary_names_the_deepest_fall_and_its_box_on_the_photograph(
    tiny: VisionModel,
) -> None:
    summary, _ = explain("occlusion", tiny, target="class:5", window=9, stride=7, score="logit")
    view = tiny.prepare(PHOTO)
    _, falls = looped(
        lambda x: tiny.network.module(x)[0, 5], view.x, 9, 7, filled(tiny, view.x, "gray")
    )
    fall, left, top = max(falls)
    scale = (view.box[2] - view.box[0]) / SIDE
    right, bottom = min(left + 9, SIDE), min(top + 9, SIDE)
    box = [
        view.box[0] + left * scale,
        view.box[1] + top * scale,
        view.box[0] + right * scale,
        view.box[1] + bottom * scale,
    ]
    assert summary.largest_fall == pytest.approx(fall, abs=1e-6)
    assert summary.largest_fall_score == pytest.approx(summary.score_value - fall, abs=1e-6)
    assert summary.largest_fall_box == pytest.approx(box, abs=0.2)


@pytest.mark.parametrize("target", ["conv3:2@1,5", "conv3:2", "conv3"])
def test_any_unit_can_be_watched_and_its_score_is_its_activation(
    tiny: VisionModel, target: str
) -> None:
    def score(x: Tensor) -> Tensor:
        kept: list[Tensor] = []
        with tiny.network.module.conv3.register_forward_hook(lambda *call: kept.append(call[2])):
            tiny.network.module(x)
        (map_,) = kept[0]  # (8, 8, 8)
        return {"conv3:2@1,5": map_[2, 1, 5], "conv3:2": map_[2].mean(), "conv3": map_.mean()}[
            target
        ]

    summary, context = explain(
        "occlusion", tiny, target=target, window=12, stride=5, aggregate="sum"
    )
    x = tiny.prepare(PHOTO).x
    total, _ = looped(score, x, 12, 5, filled(tiny, x, "gray"))
    assert summary.score == "activation"
    assert summary.score_value == pytest.approx(float(score(x)), abs=1e-6)
    torch.testing.assert_close(values(context), total, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("score", ["probability", "logit"])
def test_the_default_model_agrees_with_captum_too(
    default_model: VisionModel, coffee: bytes, score: str
) -> None:
    photograph = Image.open(io.BytesIO(coffee)).convert("RGB")
    summary, context = explain(
        "occlusion", default_model, photograph, window=100, stride=62, score=score
    )
    x = default_model.prepare(photograph).x
    fill = filled(default_model, x, "gray")
    theirs = captum_map(scorer(default_model, score), x, summary.target.index, 100, 62, fill)
    assert (values(context) - theirs).abs().max() <= 1e-5 * abs(summary.score_value)


class Standardizing(TinyNetwork):
    """A network that divides by the image's own deviation, as some published models do.

    A picture of one colour gives 0 / 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(
            (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True)
        )


def test_a_score_that_is_no_number_under_a_patch_is_refused() -> None:
    with pytest.raises(NotFinite):
        explain("occlusion", tiny_model(Standardizing), window=SIDE, stride=SIDE, fill="mean")
