"""A small network on which closed forms and slow oracles are cheap."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

SIDE = 32
CLASSES = 10


class TinyNetwork(nn.Module):
    """Convolution, batch norm, pooling, residual sum; ReLU as a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.relu2 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.conv3 = nn.Conv2d(6, 8, 3, padding=1)
        self.relu3 = nn.ReLU()
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        x = x + self.relu2(self.conv2(x))
        x = self.relu3(self.conv3(self.pool(x)))
        return self.head(x.mean((2, 3)))


class EveryRelu(nn.Module):
    """The same rectifier in all its forms.

    They are an in-place module that is used twice, a function, a method, ReLU6 and clamp.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 5, 5, 3, padding=1) for i in range(7))
        self.relu = nn.ReLU(inplace=True)
        self.relu6 = nn.ReLU6(inplace=True)
        self.head = nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.convs[0](x))
        x = self.relu(self.convs[1](x))
        x = F.relu(self.convs[2](x), inplace=True)
        x = torch.relu(self.convs[3](x))
        x = self.relu6(self.convs[4](x))
        x = self.convs[5](x).clamp(min=0)
        x = self.convs[6](x).relu_()
        return self.head(x.mean((2, 3)))


def seeded(kind: type[nn.Module], seed: int = 0) -> nn.Module:
    """Return an instance whose weights depend on the seed alone, with effective batch norms."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = kind()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.uniform_(part.running_mean, -0.2, 0.2)
                nn.init.uniform_(part.running_var, 0.5, 1.5)
    return module.eval()


def tiny_model(kind: type[nn.Module] = TinyNetwork, *, double: bool = False) -> VisionModel:
    module = seeded(kind)
    network = Network(module.double() if double else module, 3, SIDE, SIDE)
    preprocessing = Preprocessing(
        resize=36, crop=SIDE, interpolation="bilinear", mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3)
    )
    return VisionModel(
        "tiny", network, preprocessing, tuple(f"label {i}" for i in range(CLASSES)), "sha256:tiny"
    )


def photo(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """Return a smooth random picture."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return Image.fromarray(coarse, "RGB").resize((width, height), Image.Resampling.BICUBIC)
