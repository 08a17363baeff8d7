"""Embed: the output of the layer, compared with a hook on the plain module."""

import io

import numpy as np
import pytest
import torch

from tests.techniques.running import PHOTO, explain
from workers.toolkit.network.vision_model import VisionModel


@pytest.mark.parametrize("layer", ["conv1", "relu2", "head"])
def test_it_is_what_the_module_gives(tiny: VisionModel, layer: str) -> None:
    summary, context = explain("embed", tiny, layer=layer)
    seen: list[torch.Tensor] = []
    module = tiny.network.module
    handle = module.get_submodule(layer).register_forward_hook(
        lambda part, given, out: seen.append(out)
    )
    with torch.no_grad():
        module(tiny.prepare(PHOTO).x)
    handle.remove()
    values = np.load(io.BytesIO(context.files["embedding.npy"]), allow_pickle=False)
    np.testing.assert_allclose(values, seen[0][0].numpy(), atol=1e-5)
    assert (summary.shape, values.dtype) == (list(values.shape), np.float32)
    assert summary.norm == pytest.approx(float(np.linalg.norm(values)))
    assert summary.zeros == pytest.approx(float((values == 0).mean()))


def test_by_default_it_is_the_layer_before_the_classes(default_model: VisionModel) -> None:
    summary, _ = explain("embed", default_model)
    assert (summary.layer, summary.shape) == ("global_pool", [1280])
