"""A map that is zero everywhere is a failure that says why, and never a picture."""

from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.techniques.running import PHOTO, Recording, explain, explain_into, values
from tests.tiny import CLASSES, TinyNetwork, tiny_model
from workers.toolkit.errors import ZeroMap
from workers.toolkit.network.vision_model import VisionModel

EVERY = (
    "grad_cam",
    "guided_backprop",
    "integrated_gradients",
    "occlusion",
    "rise",
    "saliency",
)
FEW = {"rise": {"masks": 40}, "integrated_gradients": {"steps": 4}}


class Blind(TinyNetwork):
    """A network whose head has weights of zero: each image has the same scores."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.head.weight)


class Silent(TinyNetwork):
    """A network whose last ReLU is off for each image."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.constant_(self.conv3.bias, -1e3)


def refused(name: str, model: VisionModel, **asked: Any) -> str:
    context = Recording()
    with pytest.raises(ZeroMap, match="The map is zero everywhere") as caught:
        explain_into(context, name, model, **FEW.get(name, {}), **asked)
    assert not context.files
    return str(caught.value)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("name", EVERY)
def test_a_model_that_does_not_look_at_the_image_has_no_map(name: str, check: bool) -> None:
    layer = {"layer": "relu3"} if name == "grad_cam" else {}
    said = refused(name, tiny_model(Blind), target="class:3", check=check, **layer)
    assert "score=logit" in said if name in ("occlusion", "rise") else "gradient" in said


@pytest.mark.parametrize("target", ["relu3:2", "relu3:1@center"])
@pytest.mark.parametrize("name", EVERY)
def test_a_unit_whose_relu_is_off_has_no_map(name: str, target: str) -> None:
    layer = {"layer": "relu1"} if name == "grad_cam" else {}
    said = refused(name, tiny_model(Silent), target=target, **layer)
    assert "The activation of 'relu3' is 0 for this image" in said


def test_a_map_against_the_class_asks_for_relu_false(tiny: VisionModel) -> None:
    """The class whose map is negative everywhere is found by the closed form."""
    module, x = tiny.network.module, tiny.prepare(PHOTO).x
    seen: dict[str, Tensor] = {}
    module.relu3.register_forward_hook(lambda *given: seen.update(map=given[2][0]))
    with torch.no_grad():
        module(x)
    module.relu3._forward_hooks.clear()
    maps = torch.einsum("kc,chw->khw", module.head.weight, seen["map"])
    against = [k for k in range(CLASSES) if float(maps[k].max()) <= 0 and float(maps[k].min()) < 0]
    if not against:
        module.head.weight[4] = -module.head.weight[4].abs()
        against = [4]
    asked = {"target": f"class:{against[0]}", "layer": "relu3"}
    said = refused("grad_cam", tiny, **asked)
    assert "negative or zero everywhere. Send relu=false" in said
    _, context = explain("grad_cam", tiny, **asked, relu=False)
    assert float(values(context).max()) <= 0 and float(values(context).min()) < 0


def test_an_image_that_is_the_baseline_is_named(tiny: VisionModel) -> None:
    mean = tuple(round(255 * value) for value in tiny.preprocessing.mean)
    context = Recording()
    with pytest.raises(ZeroMap, match="The image is the baseline itself"):
        explain_into(
            context, "integrated_gradients", tiny, solid(mean), baseline="blur", target="class:1"
        )


def solid(colour: tuple[int, ...]) -> Image.Image:
    return Image.new("RGB", (61, 43), colour)


class OneOfTen(nn.Module):
    """Has a class of positive weights, nine of negative ones, and a ReLU behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, CLASSES)
        nn.init.constant_(self.conv.bias, 9)
        nn.init.constant_(self.head.weight, -1)
        nn.init.constant_(self.head.weight[0], 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).mean((2, 3))).relu()


def test_a_twin_whose_map_is_zero_has_no_correlation() -> None:
    summary, _ = explain("saliency", tiny_model(OneOfTen), target="class:0", check=True)
    assert summary.check.randomized_correlation is None
    assert "so they cannot be compared" in summary.check.verdict
    assert "rank correlation" not in summary.check.verdict
