"""Class activation maps of networks for which an image runs beside a copy of itself."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.workers.odd_networks import SIDE, built, load
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.network.maps import default_map, last_map, layers_at
from workers.toolkit.network.unit import Unit

UNITS = [Unit("", 2), Unit("second", 3, (4, 5))]


def noise(batch: int) -> Tensor:
    return torch.randn(batch, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


def hooked_map(module: nn.Module, path: str, x: Tensor) -> Tensor:
    """Return the map of output 2 by hooks on the module itself, in double precision."""
    seen: list[Tensor] = []
    layer = module.double().get_submodule(path)
    layer.register_forward_hook(lambda _module, _given, output: seen.append(output))
    output = module(x.double().requires_grad_())
    (gradient,) = torch.autograd.grad(output[:, 2].sum(), seen)
    return (gradient.mean((2, 3), keepdim=True) * seen[0]).sum(1).detach()


@pytest.mark.parametrize("path", ["first", "norm"])
@pytest.mark.parametrize("kind", ["InstanceNormed", "Tokens"])
def test_the_map_of_one_image_is_that_of_a_batch_of_two(
    tmp_path: Path, kind: str, path: str
) -> None:
    network, x = load(tmp_path, kind).network, noise(2)
    assert network.left_out == ["single_images"]
    for unit in UNITS:
        both = class_activation_map(network, unit, path, x)
        for row in (0, 1):
            alone = class_activation_map(network, unit, path, x[row : row + 1])
            assert alone.shape == (1, SIDE, SIDE) and bool(alone.any())
            torch.testing.assert_close(alone[0], both[row], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["InstanceNormed", "Tokens"])
def test_the_map_is_that_of_the_module_itself(tmp_path: Path, kind: str) -> None:
    network, x = load(tmp_path, kind).network, noise(2)
    found = class_activation_map(network, UNITS[0], "first", x[:1]).double()
    expected = hooked_map(built(kind), "first", x)[:1]
    atol = 1e-4 * float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=atol)


@pytest.mark.parametrize("kind", ["InstanceNormed", "Tokens"])
def test_the_last_map_is_found(tmp_path: Path, kind: str) -> None:
    model = load(tmp_path, kind)
    assert last_map(model.network) == default_map(model) == "second"
    assert layers_at(model.network, [0, 1]) == ["first", "second"]
