"""The scores of targets, against hooks and slow loops."""

import pytest
import torch
from torch import Tensor

from tests.tiny import TinyNetwork, seeded
from tests.toolkit.networks import hooked, network, noise
from workers.toolkit.errors import NoGuide
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.unit import Unit
from workers.toolkit.optimization.objectives import (
    TargetTerm,
    check_guide,
    guided_score,
    normalized,
    scores,
)


@pytest.fixture(scope="module")
def tiny() -> Network:
    return network(seeded(TinyNetwork))


def test_layers_channels_and_classes_have_their_scores(tiny: Network) -> None:
    x = noise(3)
    seen = hooked(tiny.module, x)
    terms = [
        TargetTerm("a", Unit("conv2")),
        TargetTerm("b", Unit("conv3", 4)),
        TargetTerm("c", Unit(LOGITS, 7)),
        TargetTerm("d", Unit("conv3")),
    ]
    expected = [
        seen["conv2"].square().mean((1, 2, 3)) / 2,
        seen["conv3"][:, 4].mean((1, 2)),
        seen["head"][:, 7],
        seen["conv3"].square().mean((1, 2, 3)) / 2,
    ]
    assert torch.allclose(scores(tiny, terms, x), torch.stack(expected), atol=1e-6)


def test_a_guide_is_followed_at_each_place_to_its_most_similar_feature() -> None:
    output, guide = torch.randn(2, 5, 3, 4), torch.randn(7, 5)
    expected = [
        sum(
            max(float(output[b, :, y, x] @ feature) for feature in guide)
            for y in range(3)
            for x in range(4)
        )
        / 60
        for b in range(2)
    ]
    assert guided_score(output, guide).tolist() == pytest.approx(expected, rel=1e-4)
    assert guided_score(output[:, :, 0, 0], guide)[0].item() == pytest.approx(
        max(float(output[0, :, 0, 0] @ feature) for feature in guide) / 5, rel=1e-4
    )


def test_the_gradient_of_a_guide_is_the_chosen_feature() -> None:
    """As published, the derivative by the layer is the guide's feature with the largest product."""
    output, guide = torch.randn(1, 5, 2, 2, requires_grad=True), torch.randn(7, 5)
    (gradient,) = torch.autograd.grad(guided_score(output, guide).sum(), output)
    chosen = torch.stack(
        [guide[(guide @ output[0, :, y, x]).argmax()] for y in range(2) for x in range(2)], 1
    )
    assert torch.allclose(gradient[0].flatten(1) * 20, chosen, atol=1e-5)


def test_scales_bring_every_score_of_the_photograph_near_one(tiny: Network) -> None:
    photograph, guide = noise(1), noise(1, seed=2)
    seen = hooked(tiny.module, photograph)
    layer = normalized(tiny, TargetTerm("a", Unit("conv3"), -2.0), photograph, None)
    assert layer.weight == -2.0
    assert layer.scale * float(scores(tiny, [layer], photograph)) == pytest.approx(0.5, rel=1e-4)
    channel = normalized(tiny, TargetTerm("b", Unit("conv3", 4)), photograph, guide)
    assert channel.scale == pytest.approx(1 / float(seen["conv3"].square().mean().sqrt()), rel=1e-4)
    assert channel.guide is None
    led = normalized(tiny, TargetTerm("a", Unit("conv3")), photograph, guide)
    features = hooked(tiny.module, guide)["conv3"][0].flatten(1).T
    assert led.guide is not None and torch.allclose(led.guide, features, atol=1e-5)


def test_a_layer_that_is_zero_everywhere_has_scale_one(tiny: Network) -> None:
    def silent(x: Tensor, path: str) -> Tensor:
        return torch.zeros(1, 4, 2, 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "run", silent)
        assert normalized(tiny, TargetTerm("a", Unit("conv3")), noise(1), None).scale == 1


def test_a_guide_needs_a_layer() -> None:
    check_guide([TargetTerm("a", Unit("conv3")), TargetTerm("b", Unit(LOGITS, 1))])
    with pytest.raises(NoGuide, match="only affects layer targets"):
        check_guide([TargetTerm("b", Unit(LOGITS, 1)), TargetTerm("c", Unit("conv3", 2))])
