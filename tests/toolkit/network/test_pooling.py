"""Average pooling in place of max pooling, against an eager module that has it."""

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import seeded
from tests.toolkit.networks import noise
from workers.toolkit.errors import NoMaxPooling
from workers.toolkit.network.network import Network
from workers.toolkit.network.pooling import replace_max_pooling


class Pooled(nn.Module):
    """VGG's pooling and ResNet's."""

    pool: type[nn.Module] = nn.MaxPool2d

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.vgg = self.pool(2)
        self.resnet = self._padded()
        self.head = nn.Linear(4, 5)

    def _padded(self) -> nn.Module:
        return nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.resnet(self.vgg(self.conv(x))).mean((2, 3)))


class Averaged(Pooled):
    pool = nn.AvgPool2d

    def _padded(self) -> nn.Module:
        return nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)


class Dilated(Pooled):
    def _padded(self) -> nn.Module:
        return nn.MaxPool2d(3, dilation=2)


def test_it_is_the_network_with_average_pooling() -> None:
    plain, averaged = (Network(seeded(kind), 3, 20, 28) for kind in (Pooled, Averaged))
    made, count = replace_max_pooling(plain)
    x = noise(2, 28)[:, :, :20]
    assert count == 2
    for path in ("conv", "vgg", "resnet", "head"):
        torch.testing.assert_close(made.run(x, path), averaged.run(x, path))
    assert not torch.allclose(plain.run(x, "vgg"), averaged.run(x, "vgg"))
    torch.testing.assert_close(plain.logits(x), seeded(Pooled)(x))  # left as it was


def test_a_network_without_max_pooling_is_refused() -> None:
    with pytest.raises(NoMaxPooling, match="pooling=max"):
        replace_max_pooling(Network(seeded(Averaged), 3, 20, 28))


def test_a_dilated_pooling_is_refused() -> None:
    with pytest.raises(NoMaxPooling, match="dilated"):
        replace_max_pooling(Network(seeded(Dilated), 3, 32, 32))
