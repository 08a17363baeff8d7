"""A loaded model as the techniques see it: network, eye, labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from PIL import Image

from workers.toolkit.images.preprocessing import Eye, View
from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class VisionModel:
    name: str
    network: Network
    eye: Eye
    labels: tuple[str, ...]
    weights: str  # sha256 of the weights
    recommended: Mapping[str, str] = field(default_factory=dict)  # technique → layer

    def view(self, image: Image.Image) -> View:
        """The network's input for that photograph, on the network's device."""
        seen = self.eye.view(image)
        return View(seen.image, seen.x.to(self.network.device), seen.box)

    def label(self, index: int) -> str:
        return self.labels[index] if index < len(self.labels) else f"class {index}"

    @property
    def device(self) -> torch.device:
        return self.network.device
