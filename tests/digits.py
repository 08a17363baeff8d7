"""A small custom model, trained on scikit-learn's digits (8 × 8, grey), and its TOML file."""

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

MEAN, STD = 0.3, 0.37
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

MODULE = """
from torch import nn


def build(width, classes=10):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, classes),
    )
"""

ENTRY = f"""
[models.digits]
builder = "digits_net:build"
arguments = {{ width = 16 }}
weights = "digits.safetensors"
input_size = 8
channels = 1
mean = {MEAN}
std = {STD}
labels = {list(NAMES)}
recommended = {{ grad_cam = "5" }}
"""


@dataclass(frozen=True)
class Digits:
    """The TOML file, and what the network was not trained on."""

    file: Path
    module: nn.Module
    held_out: np.ndarray  # (N, 8, 8), 0..255
    classes: np.ndarray  # (N,)

    def picture(self, index: int) -> Image.Image:
        """As a photograph comes out of the decoder: RGB."""
        return Image.fromarray(self.held_out[index], "L").convert("RGB")

    def png(self, index: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self.held_out[index], "L").save(buffer, "PNG")
        return buffer.getvalue()

    def unsure(self) -> int:
        """Return the picture with the least certain prediction.

        The probability of others may be 1 whatever is hidden.
        """
        with torch.no_grad():
            return int(self.module(normalized(self.held_out)).softmax(1).amax(1).argmin())

    def accuracy(self) -> float:
        with torch.no_grad():
            predicted = self.module(normalized(self.held_out)).argmax(1).numpy()
        return float((predicted == self.classes).mean())


def normalized(pixels: np.ndarray) -> Tensor:
    """(N, 8, 8) in 0..255 → (N, 1, 8, 8) as the network was trained."""
    return (torch.from_numpy(pixels.astype(np.float32))[:, None] / 255 - MEAN) / STD


def make_digits(folder: Path) -> Digits:
    """Train for a few seconds and write digits_net.py, digits.safetensors and models.toml."""
    (folder / "digits_net.py").write_text(MODULE)
    (folder / "models.toml").write_text(ENTRY)
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))  # they come writer by writer
    pixels, classes = (data.images[order] * (255 / 16)).round().astype(np.uint8), data.target[order]
    module = _trained(
        folder / "digits_net.py", normalized(pixels[:1400]), torch.from_numpy(classes[:1400])
    )
    save_file(module.state_dict(), folder / "digits.safetensors")
    return Digits(folder / "models.toml", module, pixels[1400:], classes[1400:])


def _trained(path: Path, x: Tensor, classes: Tensor) -> nn.Module:
    spec = importlib.util.spec_from_file_location("digits_net_in_training", path)
    source = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = source.build(width=16)
        optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
        for _ in range(20):
            for batch in torch.randperm(len(x)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(module(x[batch]), classes[batch]).backward()
                optimizer.step()
    return module.eval()
