"""A loaded model as the techniques see it: network, preprocessing, labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from PIL import Image

from workers.toolkit.images.preprocessing import ModelInput, Preprocessing
from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class VisionModel:
    name: str
    network: Network
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    weights: str  # sha256 of the weights
    recommended: Mapping[str, str] = field(default_factory=dict)  # technique → layer

    def prepare(self, image: Image.Image) -> ModelInput:
        """The network's input for that photograph, on the network's device."""
        seen = self.preprocessing.prepare(image)
        return ModelInput(seen.image, seen.x.to(self.network.device), seen.box)

    def label(self, index: int) -> str:
        return self.labels[index] if index < len(self.labels) else f"class {index}"

    @property
    def device(self) -> torch.device:
        return self.network.device
