"""An output that depends on the batch is refused; rounding that a network enlarges is not."""

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.architectures import seeded
from workers.models.check_same_output import check_same_output
from workers.models.errors import WrongOutput


class BatchRange(nn.Module):
    """A network whose output depends on the range of the whole batch, by a small share."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x * (1 + 0.01 * x.amax()))


@torch.no_grad()
def check(module: nn.Module) -> None:
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    images[1] = 4 * images[1] - 2
    images[2:] = 30 * (images[:2] - 0.5)
    check_same_output("m", module, images, module(images))


def test_rounding_that_a_network_enlarges_is_no_dependence() -> None:
    """EfficientNet-B0 with random weights: 1.3 % of the largest output, and 1e-13 in float64."""
    check(seeded("efficientnet_b0"))


def test_a_dependence_of_the_same_size_is_refused() -> None:
    with pytest.raises(WrongOutput, match="alone in its batch"):
        check(BatchRange(seeded("efficientnet_b0")))


def test_a_module_that_refuses_double_precision_is_judged_by_single() -> None:
    class Single(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert x.dtype == torch.float32
            return x.mean((2, 3)) + 0.01 * x.amax()

    with pytest.raises(WrongOutput, match="alone in its batch"):
        check(Single())
