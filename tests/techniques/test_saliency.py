"""Saliency against captum and plain autograd; SmoothGrad against a loop over its noisy copies."""

import io
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from captum.attr import NeuronGradient, Saliency
from PIL import Image
from torch import Tensor, nn

from tests.techniques.running import PHOTO, explain, values
from workers.toolkit.execution.input_gradient import gradient_magnitude, input_gradient
from workers.toolkit.network.folding import Folding
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel

pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor .* did not already require gradients")


def gradient(module: nn.Module, x: Tensor, index: int) -> Tensor:
    """∂ logit / ∂ x by autograd on the eager module, (3, H, W)."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(module(x)[0, index], x)[0][0]


def largest_magnitude(gradients: Tensor) -> Tensor:
    """(3, H, W) → (H, W), the entry with its sign, one pixel at a time."""
    pixels = gradients.flatten(1).T.tolist()
    return torch.tensor([max(pixel, key=abs) for pixel in pixels]).reshape(gradients.shape[1:])


def test_max_abs_is_the_strongest_channel_of_captums_map(tiny: VisionModel) -> None:
    _, context = explain("saliency", tiny, target="class:3")
    theirs = Saliency(tiny.network.module).attribute(tiny.prepare(PHOTO).x, target=3)
    torch.testing.assert_close(values(context), theirs[0].amax(0), atol=0, rtol=1e-5)


def test_signed_keeps_the_sign_of_that_channel(tiny: VisionModel) -> None:
    _, context = explain("saliency", tiny, target="class:3", reduce="signed")
    theirs = (
        Saliency(tiny.network.module)
        .attribute(tiny.prepare(PHOTO).x, target=3, abs=False)[0]
        .detach()
    )
    torch.testing.assert_close(values(context), largest_magnitude(theirs), atol=1e-8, rtol=1e-5)
    assert values(context).min() < 0 < values(context).max()


def test_top_is_the_class_with_the_largest_logit(tiny: VisionModel) -> None:
    summary, context = explain("saliency", tiny, target="top", reduce="signed")
    x = tiny.prepare(PHOTO).x
    logits = tiny.network.module(x)[0]
    first = int(logits.argmax())
    assert (summary.target.index, summary.target.label) == (first, f"label {first}")
    assert summary.score == "logit"
    assert summary.score_value == pytest.approx(float(logits[first]), rel=1e-5)
    assert summary.probability == pytest.approx(float(logits.softmax(0)[first]), rel=1e-5)
    theirs = largest_magnitude(gradient(tiny.network.module, x, first))
    torch.testing.assert_close(values(context), theirs, atol=1e-8, rtol=1e-5)


UNITS = {
    "conv1:4@3,11": ("conv1", (4, 3, 11)),
    "conv3:1@center": ("conv3", (1, 4, 4)),
    "relu2:2@0,15": ("relu2", (2, 0, 15)),
    "conv2:5": ("conv2", lambda out: out[:, 5].mean((1, 2))),
    "bn1": ("bn1", lambda out: out.mean((1, 2, 3))),
    "pool": ("pool", lambda out: out.mean((1, 2, 3))),
    "head:7": ("head", 7),
}


@pytest.mark.parametrize("target", UNITS)
def test_neurons_channels_and_layers_are_captums_neuron_gradients(
    tiny: VisionModel, target: str
) -> None:
    path, selector = UNITS[target]
    module = tiny.network.module
    theirs = NeuronGradient(module, module.get_submodule(path)).attribute(
        tiny.prepare(PHOTO).x, selector
    )
    summary, context = explain("saliency", tiny, target=target, reduce="signed")
    assert summary.score == "activation"
    torch.testing.assert_close(values(context), largest_magnitude(theirs[0]), atol=1e-8, rtol=1e-5)


@pytest.mark.parametrize("samples", [2, 11])  # 11 copies do not fit into one batch
def test_smoothgrad_is_the_mean_gradient_of_noisy_copies(tiny: VisionModel, samples: int) -> None:
    _, context = explain(
        "saliency", tiny, target="class:3", samples=samples, noise=0.3, seed=42, reduce="signed"
    )
    x = tiny.prepare(PHOTO).x
    generator = torch.Generator().manual_seed(42)
    deviation = 0.3 * (x.max() - x.min())
    copies = [x + deviation * torch.randn(x.shape[1:], generator=generator) for _ in range(samples)]
    mean = sum(gradient(tiny.network.module, copy, 3) for copy in copies) / samples
    torch.testing.assert_close(values(context), largest_magnitude(mean), atol=1e-7, rtol=1e-4)


def test_without_noise_smoothgrad_is_the_plain_gradient(tiny: VisionModel) -> None:
    _, plain = explain("saliency", tiny, target="class:3", reduce="signed")
    _, smooth = explain("saliency", tiny, target="class:3", reduce="signed", samples=9, noise=0)
    torch.testing.assert_close(values(smooth), values(plain), atol=1e-8, rtol=1e-5)


def test_another_seed_gives_another_smoothgrad_but_the_same_plain_map(tiny: VisionModel) -> None:
    def map_of(samples: int, seed: int) -> Tensor:
        return values(explain("saliency", tiny, target="class:3", samples=samples, seed=seed)[1])

    assert torch.equal(map_of(1, seed=1), map_of(1, seed=2))
    assert not torch.equal(map_of(4, seed=1), map_of(4, seed=2))


def test_a_network_of_many_inplace_relus_agrees_with_autograd(every_relu: VisionModel) -> None:
    _, context = explain("saliency", every_relu, target="class:1", reduce="signed")
    theirs = gradient(every_relu.network.module, every_relu.prepare(PHOTO).x, 1)
    torch.testing.assert_close(values(context), largest_magnitude(theirs), atol=1e-9, rtol=1e-5)


def test_the_default_model_agrees_with_captum_too(
    default_model: VisionModel, chelsea: bytes
) -> None:
    """Batch norms stay as they are: folding may flip a ReLU whose input is zero up to rounding."""
    network = Network(default_model.network.module, *default_model.network.input_shape)
    network.folding = Folding(0, 0.0)
    photograph = Image.open(io.BytesIO(chelsea)).convert("RGB")
    summary, context = explain("saliency", replace(default_model, network=network), photograph)
    x = default_model.prepare(photograph).x
    theirs = (
        Saliency(default_model.network.module).attribute(x, target=summary.target.index)[0].amax(0)
    )
    assert (values(context) - theirs).abs().max() <= 1e-5 * abs(summary.score_value)
    torch.testing.assert_close(values(context), theirs, atol=1e-5 * float(theirs.max()), rtol=1e-3)


def test_with_its_batch_norms_folded_it_does_where_rounding_turns_nothing(
    default_model: VisionModel, chelsea: bytes
) -> None:
    module = deepcopy(default_model.network.module).double()
    network = Network(module, *default_model.network.input_shape)
    assert network.folding.folded == default_model.network.folding.folded == 49
    x = default_model.prepare(Image.open(io.BytesIO(chelsea))).x.double()
    ours = gradient_magnitude(input_gradient(network, Unit(LOGITS, 282), x)[0])
    theirs = Saliency(module).attribute(x, target=282)[0].amax(0)
    torch.testing.assert_close(ours, theirs, atol=1e-10 * float(theirs.max()), rtol=0)
