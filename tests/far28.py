"""A small network trained on digits of 28 × 28 pixels, with units that are silent at the start.

Channel 7 of `r2` is off on a plain picture, and on for digits; channel 5 is off on every picture.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

SIDE = 28
WAKES, NEVER_FIRES = "r2:7", "r2:5"
_WEIGHTS = Path(__file__).parent / "fixtures" / "far28.safetensors"


class Far28(nn.Module):
    """Convolutions without padding; the second has gaps, the third a stride of 3."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 5)
        self.r1 = nn.ReLU()
        self.p1 = nn.MaxPool2d(2)
        self.c2 = nn.Conv2d(16, 32, 3, dilation=2)
        self.r2 = nn.ReLU()
        self.c3 = nn.Conv2d(32, 32, 3, stride=3)
        self.r3 = nn.ReLU()
        self.fc1 = nn.Linear(32 * 2 * 2, 32)
        self.r4 = nn.ReLU()
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.p1(self.r1(self.c1(x)))
        x = self.r2(self.c2(x))
        x = self.r3(self.c3(x))
        return self.fc2(self.r4(self.fc1(x.flatten(1))))


def far28_module() -> nn.Module:
    module = Far28()
    module.load_state_dict(load_file(_WEIGHTS))
    return module.eval()


def far28() -> VisionModel:
    preprocessing = Preprocessing(SIDE, SIDE, "bilinear", (0.2,), (0.35,))
    network = Network(far28_module(), 1, SIDE, SIDE)
    return VisionModel("far28", network, preprocessing, tuple(map(str, range(10))), "sha256:far28")


def plain(level: float = 0.2) -> Tensor:
    """Return a picture of one grey, (1, 1, 28, 28) in 0..1."""
    return torch.full((1, 1, SIDE, SIDE), level)
