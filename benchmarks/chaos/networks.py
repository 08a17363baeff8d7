"""Networks of the run: a tiny one, and two that kill the process that runs them."""

import os
import signal
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

_SIDE = 32
_CLASSES = 10
_ENTRY = """
[models.{name}]
builder = "benchmarks.chaos.networks:{function}"
arguments = {arguments}
weights = "tiny.safetensors"
input_size = {side}
mean = 0.5
std = 0.25
classes = {classes}
"""


def tiny() -> nn.Sequential:
    """Return a classifier of 32 × 32 pixels."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, _CLASSES),
    )  # fmt: skip


class _Toxic(nn.Sequential):
    group = False

    def forward(self, x: Tensor) -> Tensor:
        """Kill the calling process, or its group: parent, child and maintenance process."""
        if self.group:
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
        return x


def toxic(group: bool) -> nn.Sequential:
    """Return a toxic network that takes the weights of the tiny one."""
    network = _Toxic(*tiny())
    network.group = group
    return network


def write_models(folder: Path) -> Path:
    """Write a TOML file with all networks, and seeded weights beside it. Return the file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(tiny().state_dict(), folder / "tiny.safetensors")
    kinds = [
        ("tiny", "tiny", "{}"),
        ("toxic_child", "toxic", "{ group = false }"),
        ("toxic_group", "toxic", "{ group = true }"),
    ]
    entries = [
        _ENTRY.format(
            name=name, function=function, arguments=arguments, side=_SIDE, classes=_CLASSES
        )
        for name, function, arguments in kinds
    ]
    file = folder / "models.toml"
    file.write_text("".join(entries))
    return file
