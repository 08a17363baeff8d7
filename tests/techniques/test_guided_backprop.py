"""Guided backpropagation against captum, if it sees the ReLUs, and against the papers."""

import io

import numpy as np
import pytest
import torch
from captum.attr import Deconvolution, GuidedBackprop
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from tests.techniques.papers import paper_gradient
from tests.techniques.running import PHOTO, Recording, explain, explain_into, values
from tests.tiny import CLASSES, TinyNetwork, tiny_model
from workers.toolkit.errors import HiddenRectifier, NoRectifier
from workers.toolkit.network.vision_model import VisionModel

RULES = {"guided": GuidedBackprop, "deconvnet": Deconvolution}
both_rules = pytest.mark.parametrize("rule", RULES)


def close(ours: Tensor, theirs: Tensor, tolerance: float = 1e-5) -> None:
    """(H, W) against the strongest channel of (3, H, W), relative to the largest value."""
    expected = theirs.abs().amax(0)
    assert expected.max() > 0
    assert (ours - expected).abs().max() <= tolerance * expected.max()


@both_rules
@pytest.mark.filterwarnings(
    "ignore:Setting backward hooks on ReLU", "ignore:Input Tensor .* did not already require"
)
def test_modules_of_relu_agree_with_captum(tiny: VisionModel, rule: str) -> None:
    _, context = explain("guided_backprop", tiny, target="class:3", rule=rule)
    theirs = RULES[rule](tiny.network.module).attribute(tiny.prepare(PHOTO).x, target=3)
    close(values(context), theirs[0])


@both_rules
@pytest.mark.parametrize("seed", range(3))
def test_every_form_of_relu_follows_the_papers(
    every_relu: VisionModel, rule: str, seed: int
) -> None:
    photograph = Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    )
    x = every_relu.prepare(photograph).x
    index = int(every_relu.network.module(x).argmax())
    summary, context = explain("guided_backprop", every_relu, photograph, rule=rule)
    theirs, met = paper_gradient(every_relu.network.module, x, index, rule)
    assert (summary.target.index, summary.rectifiers) == (index, met) == (index, 7)
    close(values(context), theirs[0])


@both_rules
def test_the_relu6_of_the_default_model_follow_the_papers(
    default_model: VisionModel, chelsea: bytes, rule: str
) -> None:
    photograph = Image.open(io.BytesIO(chelsea)).convert("RGB")
    summary, context = explain(
        "guided_backprop", default_model, photograph, target="class:285", rule=rule
    )
    theirs, met = paper_gradient(
        default_model.network.module, default_model.prepare(photograph).x, 285, rule
    )
    assert summary.rectifiers == met == 33
    close(values(context), theirs[0])


@both_rules
def test_it_is_not_the_plain_gradient(every_relu: VisionModel, rule: str) -> None:
    _, guided = explain("guided_backprop", every_relu, rule=rule)
    _, plain = explain("saliency", every_relu)
    assert (values(guided) - values(plain)).abs().max() > 0.1 * values(plain).max()


def test_only_rectifiers_below_the_target_are_counted_and_follow_the_rule(
    tiny: VisionModel,
) -> None:
    summary, context = explain("guided_backprop", tiny, target="conv2:4@5,5")
    x = tiny.prepare(PHOTO).x.requires_grad_()
    module = tiny.network.module
    below = module.bn1(module.conv1(x))
    (relevance,) = torch.autograd.grad(
        module.conv2(below.relu())[0, 4, 5, 5], below, retain_graph=True
    )
    (theirs,) = torch.autograd.grad(below, x, relevance.clamp(min=0) * (below > 0))
    assert summary.rectifiers == 1
    torch.testing.assert_close(values(context), theirs[0].abs().amax(0), atol=1e-8, rtol=1e-4)


def test_noisy_copies_are_averaged_before_the_channels_are_joined(tiny: VisionModel) -> None:
    _, context = explain("guided_backprop", tiny, target="class:3", samples=3, noise=0.2, seed=1)
    x, generator = tiny.prepare(PHOTO).x, torch.Generator().manual_seed(1)
    grain = torch.stack([torch.randn(x.shape[1:], generator=generator) for _ in range(3)])
    copies = x + 0.2 * (x.max() - x.min()) * grain
    theirs, _ = paper_gradient(tiny.network.module, copies, 3, "guided")
    close(values(context), theirs.mean(0))


class Smooth(TinyNetwork):
    """A network of a SiLU and a leaky ReLU, to which no rule applies."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
        return self.head(F.silu(self.conv3(self.pool(x))).clamp(-1, 1).mean((2, 3)))


class RectifiedConstant(nn.Module):
    """A network whose only ReLU is on a parameter, as in the position bias of Swin V2.

    The image does not pass through it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bias = nn.Parameter(torch.ones(4))
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.silu(self.conv(x)).mean((2, 3)) + self.bias.relu())


@both_rules
@pytest.mark.parametrize("kind", [Smooth, RectifiedConstant])
def test_a_model_without_relu_between_input_and_target_is_refused(
    kind: type[nn.Module], rule: str
) -> None:
    with pytest.raises(NoRectifier, match=f"'{rule}' would only be the plain gradient"):
        explain("guided_backprop", tiny_model(kind), rule=rule)


class HalfHidden(TinyNetwork):
    """A ReLU that is recognized, and one that is written so that it is not."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.conv3(self.pool(x))
        return self.head((x - x.clamp(max=0)).mean((2, 3)))


@both_rules
def test_a_model_with_a_relu_that_is_not_recognized_is_refused_by_its_name(rule: str) -> None:
    context = Recording()
    with pytest.raises(HiddenRectifier, match="'sub'"):
        explain_into(context, "guided_backprop", tiny_model(HalfHidden), rule=rule)
    assert not context.files


def test_a_target_below_the_first_relu_is_refused_and_leaves_no_file(tiny: VisionModel) -> None:
    context = Recording()
    with pytest.raises(NoRectifier):
        explain_into(context, "guided_backprop", tiny, target="bn1:2")
    assert not context.files
