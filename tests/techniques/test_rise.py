"""RISE on a network: the paper's sum over the masks of the seed, for every score and fill."""

import pytest
import torch
from torch import Tensor

from tests.techniques.running import PHOTO, explain, values
from tests.techniques.test_occlusion import filled, scorer
from tests.tiny import SIDE
from workers.toolkit.attribution.rise import BATCH, Masks
from workers.toolkit.network.vision_model import VisionModel

CLASS, COUNT, SEED = 3, 37, 7


@torch.no_grad()
def papers_map(score: object, x: Tensor, fill: Tensor, masks: Masks) -> Tensor:
    """(1 / (N·p)) Σ f(x ⊙ M + fill ⊙ (1 − M)) · M, one mask at a time."""
    generator, total = torch.Generator().manual_seed(SEED), torch.zeros(SIDE, SIDE)
    for start in range(0, COUNT, BATCH):
        for mask in masks.draw(min(BATCH, COUNT - start), SIDE, SIDE, generator):
            total += float(score(x * mask + fill * (1 - mask))) * mask
    return total / (COUNT * masks.probability)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("fill", ["mean", "gray", "white"])
def test_the_map_is_the_papers(tiny: VisionModel, score: str, fill: str) -> None:
    asked = {
        "target": f"class:{CLASS}",
        "masks": COUNT,
        "grid": 4,
        "probability": 0.3,
        "fill": fill,
        "score": score,
    }
    summary, context = explain("rise", tiny, **asked)
    x, scores = tiny.prepare(PHOTO).x, scorer(tiny, score)
    theirs = papers_map(
        lambda image: scores(image)[0, CLASS], x, filled(tiny, x, fill), Masks(4, 0.3)
    )
    torch.testing.assert_close(values(context), theirs, atol=1e-6, rtol=1e-5)
    assert (summary.score, summary.masks) == (score, COUNT)


def test_the_default_fill_is_the_training_mean(tiny: VisionModel) -> None:
    maps = [
        values(explain("rise", tiny, masks=9, **fill)[1])
        for fill in ({}, {"fill": "mean"}, {"fill": "gray"})
    ]
    assert torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])


@pytest.mark.parametrize("target", ["conv3:2@1,5", "conv3:2", "conv3"])
def test_any_unit_can_be_watched_and_its_score_is_its_activation(
    tiny: VisionModel, target: str
) -> None:
    def score(image: Tensor) -> Tensor:
        kept: list[Tensor] = []
        with tiny.network.module.conv3.register_forward_hook(lambda *call: kept.append(call[2])):
            tiny.network.module(image)
        (map_,) = kept[0]  # (8, 8, 8)
        return {"conv3:2@1,5": map_[2, 1, 5], "conv3:2": map_[2].mean(), "conv3": map_.mean()}[
            target
        ]

    summary, context = explain("rise", tiny, target=target, masks=COUNT)
    x = tiny.prepare(PHOTO).x
    assert summary.score == "activation"
    expected = papers_map(score, x, torch.zeros_like(x), Masks(7, 0.5))
    torch.testing.assert_close(values(context), expected, atol=1e-6, rtol=1e-5)


def test_the_peak_is_the_highest_value_on_the_photograph(tiny: VisionModel) -> None:
    summary, context = explain("rise", tiny, masks=COUNT)
    row, column = divmod(int(values(context).argmax()), SIDE)
    left, top, right, bottom = summary.input_box
    peak = [
        left + (column + 0.5) * (right - left) / SIDE,
        top + (row + 0.5) * (bottom - top) / SIDE,
    ]
    assert summary.peak == pytest.approx(peak, abs=0.05)
    assert float(values(context).max()) == summary.maximum


def test_another_seed_gives_other_masks(tiny: VisionModel) -> None:
    one, other = (values(explain("rise", tiny, masks=COUNT, seed=seed)[1]) for seed in (1, 2))
    assert not torch.allclose(one, other)
