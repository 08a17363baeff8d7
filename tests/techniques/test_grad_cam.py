"""Grad-CAM agrees with captum's LayerGradCam, at every layer and for every kind of target."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from PIL import Image

from catalog.errors import LayerWithoutMap
from catalog.techniques.grad_cam import GradCamParams, GradCamSummary
from tests.tiny import photo, tiny_model
from tests.workers.odd_networks import SIDE, load
from workers.execute import execute
from workers.toolkit.attribution.grad_cam import NotBehind, class_activation_map
from workers.toolkit.errors import LayerWithoutMap as LayerWithoutMapInToolkit
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.unit import Unit

FILES = ("values.npy", "map.npy")


def ran(
    image: Image.Image | None = None, **fields: object
) -> tuple[GradCamSummary, dict[str, np.ndarray]]:
    context = LocalContext()
    summary = execute(
        "grad_cam",
        GradCamParams(**{"seed": 0, **fields}),
        tiny_model(),
        {"image": image or photo()},
        context,
    )
    arrays = {
        name: np.load(io.BytesIO(data))
        for name, data in context.files.items()
        if name.endswith(".npy")
    }
    return summary, arrays


@pytest.mark.parametrize("layer", ["conv1", "relu1", "conv2", "pool", "conv3"])
@pytest.mark.parametrize("relu", [True, False])
def test_it_agrees_with_captum(layer: str, relu: bool) -> None:
    model = tiny_model()
    summary, arrays = ran(layer=layer, target="class:3", relu=relu)
    x = model.prepare(photo()).x
    captum = LayerGradCam(model.network.module, dict(model.network.module.named_modules())[layer])
    expected = captum.attribute(x.requires_grad_(), target=3, relu_attributions=relu)
    stretched = LayerAttribution.interpolate(expected, (32, 32), "bilinear")
    np.testing.assert_allclose(arrays["map.npy"], expected[0, 0].detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(arrays["values.npy"], stretched[0, 0].detach().numpy(), atol=1e-5)
    assert summary.layer == layer and summary.map_size == list(arrays["map.npy"].shape)


def test_the_last_map_is_the_default() -> None:
    assert ran()[0].layer == "relu3"


def test_a_neuron_is_explained_by_a_layer_before_it() -> None:
    summary, arrays = ran(layer="conv1", target="conv3:2@1,1", relu=False)
    model = tiny_model()
    x = model.prepare(photo()).x.requires_grad_()
    module = model.network.module
    activation = module.conv1(x)
    rest = module.relu1(module.bn1(activation))
    value = module.conv3(module.pool(rest + module.relu2(module.conv2(rest))))[0, 2, 1, 1]
    (gradient,) = torch.autograd.grad(value, activation)
    expected = (gradient.mean((2, 3), keepdim=True) * activation).sum(1)[0]
    np.testing.assert_allclose(arrays["map.npy"], expected.detach().numpy(), atol=1e-6)
    assert summary.score == "activation"


def test_the_map_of_a_network_that_crops_its_input_lies_in_the_crop(tmp_path: Path) -> None:
    context, model = LocalContext(), load(tmp_path, "Cropped")
    params = GradCamParams(seed=0, layer="second", target="class:2", relu=False)
    execute("grad_cam", params, model, {"image": photo().resize((SIDE, SIDE))}, context)
    drawn, layer_map = (np.load(io.BytesIO(context.files[name])) for name in FILES)
    expected = np.zeros((SIDE, SIDE), np.float32)
    expected[2:10, 4:12] = layer_map
    np.testing.assert_allclose(drawn, expected, atol=1e-7)


def test_a_layer_behind_the_target_and_a_layer_without_map_are_refused() -> None:
    with pytest.raises(NotBehind):
        ran(layer="conv3", target="conv1:0")
    with pytest.raises(LayerWithoutMap):
        ran(layer="head")
    tiny = tiny_model()
    with pytest.raises(LayerWithoutMapInToolkit):
        class_activation_map(tiny.network, Unit(LOGITS, 1), "head", tiny.prepare(photo()).x)
