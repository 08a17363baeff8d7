"""Where no gradient reaches the image, techniques that need one refuse, and name others."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from catalog.errors import NoGradient
from catalog.registry import find_technique, techniques
from tests.workers.odd_networks import built, load
from workers.execute import execute
from workers.failures import job_error
from workers.models.describe import describe
from workers.toolkit.errors import LayerWithoutMap
from workers.toolkit.errors import NoGradient as NoGradientInToolkit
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit
from workers.toolkit.optimization.engine import Losses

PHOTO = Image.fromarray(
    np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8), "RGB"
)
NEEDS = sorted(name for name, found in techniques().items() if found.params.differentiates_by_image)


def gradient_exists(module: torch.nn.Module) -> bool:
    """Ask autograd itself: whether any of some images has a gradient that is not zero."""
    x = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
    output = module.requires_grad_(False)(x)
    return output.requires_grad and bool(torch.autograd.grad(output.sum(), x)[0].any())


@pytest.mark.parametrize(
    "kind", ["Net", "Cut", "Detached", "Bytes", "Rounded", "CutLate", "StraightThrough", "Single"]
)
def test_whether_a_gradient_exists_is_what_autograd_says(kind: str) -> None:
    network = Network(built(kind), 3, 16, 16)
    assert network.has_gradient("") == gradient_exists(built(kind))
    # Layers before the step keep theirs.
    assert network.has_gradient("first") == (network.has_gradient("") or kind == "CutLate")


def test_the_techniques_that_need_a_gradient() -> None:
    assert NEEDS == [
        "activation_maximization", "deep_dream", "fooling", "guided_backprop",
        "integrated_gradients", "inversion", "saliency", "style_transfer",
    ]  # fmt: skip


def run(tmp_path: Path, kind: str, technique: str, **sent: object) -> LocalContext:
    model = load(tmp_path, kind)
    found = find_technique(technique)
    params = found.resolved.model_validate({"model": kind, "seed": 1, **sent})
    context = LocalContext({})
    execute(technique, params, model, {"image": PHOTO}, context)
    return context


@pytest.mark.parametrize("kind", ["Cut", "Rounded"])
@pytest.mark.parametrize("technique", ["saliency", "integrated_gradients"])
def test_a_technique_without_its_gradient_refuses(
    tmp_path: Path, kind: str, technique: str
) -> None:
    with pytest.raises(NoGradient, match=r"`occlusion`, `rise` and `grad_cam` do not") as refused:
        run(tmp_path, kind, technique, target="class:1")
    assert job_error(refused.value).code == "no_gradient"


def test_a_layer_before_the_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoGradient, match=r"'second' is the last layer that has a gradient"):
        run(tmp_path, "CutLate", "saliency", target="class:1")
    run(tmp_path, "CutLate", "saliency", target="second:1")


def test_the_description_tells_it_of_each_layer(tmp_path: Path) -> None:
    model = load(tmp_path, "CutLate")
    found = describe("m", model.network, model.weights)
    told = {layer.path: layer.gradient for layer in found.layers}
    assert not found.gradient and told["first"] and told["second"] and not told["last"]


def test_what_has_no_gradient_in_a_job_is_told_with_the_same_code() -> None:
    with pytest.raises(NoGradientInToolkit) as refused:
        input_gradient(Network(built("Cut"), 3, 16, 16), Unit("", 1), torch.zeros(1, 3, 16, 16))
    assert job_error(refused.value).code == "no_gradient"
    assert not job_error(refused.value).retryable
    with pytest.raises(NoGradientInToolkit):
        Losses({"part": torch.ones(1)}).backward(torch.ones(1))


def test_a_fault_of_ours_is_not_blamed_on_the_model() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.ones(1).sum().backward()
    assert job_error(refused.value).code == "internal_error"


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("Cut", {}),
        ("Cut", {"layer": "first"}),
        ("Detached", {"layer": "second"}),
        ("Rounded", {"layer": "first"}),
    ],
)
def test_grad_cam_needs_the_gradient_from_its_layer_on_only(
    tmp_path: Path, kind: str, named: dict[str, str]
) -> None:
    """The expected map is that of captum's definition, from a forward pass by hand."""
    module, x = built(kind), load(tmp_path, kind).prepare(PHOTO).x
    first = module.first(module.see(x)).detach().requires_grad_()
    second = module.second(F.relu(module.norm(first)))
    score = module.last(F.relu(second).mean((2, 3)))[0, 1]
    layer = first if named == {"layer": "first"} else second
    (gradient,) = torch.autograd.grad(score, layer)
    expected = (gradient.mean((2, 3), keepdim=True) * layer).sum(1)[0].detach().numpy()
    context = run(tmp_path, kind, "grad_cam", target="class:1", relu=False, **named)
    found = np.load(io.BytesIO(context.files["map.npy"]))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_grad_cam_refuses_a_layer_before_the_step(tmp_path: Path) -> None:
    with pytest.raises(NoGradientInToolkit, match=r"respect to 'second'.* Name a later `layer`"):
        run(tmp_path, "CutLate", "grad_cam", target="class:1", layer="second")
    with pytest.raises(LayerWithoutMap, match=r"Name a layer"):
        run(tmp_path, "CutLate", "grad_cam", target="class:1")


@pytest.mark.parametrize(
    ("kind", "others"),
    [("Cut", "`occlusion`, `rise` and `grad_cam`"), ("CutLate", "`occlusion` and `rise`")],
)
def test_grad_cam_is_named_where_it_works(tmp_path: Path, kind: str, others: str) -> None:
    with pytest.raises(NoGradient, match=rf"needs one; {others} do not"):
        run(tmp_path, kind, "saliency", target="class:1")
