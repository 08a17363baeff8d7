"""A loaded model as the techniques see it: network, preprocessing, labels and head."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from PIL import Image

from workers.toolkit.images.array import Input
from workers.toolkit.images.bands import prepare_bands
from workers.toolkit.images.preprocessing import ModelInput, Preprocessing
from workers.toolkit.network.head import SOFTMAX, Head
from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class VisionModel:
    """A model: `weights` is the sha256 of its weights, `recommended` maps techniques to layers."""

    name: str
    network: Network
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    weights: str
    recommended: Mapping[str, str] = field(default_factory=dict)
    head: Head = SOFTMAX

    def prepare(self, sent: Input) -> ModelInput:
        """Return the network's input for a photograph or an array, on the network's device.

        Raises WrongUnits for an array that is not in the units of the preprocessing.
        """
        if isinstance(sent, Image.Image):
            model_input = self.preprocessing.prepare(sent)
        else:
            model_input = prepare_bands(self.preprocessing, sent)
        x = model_input.x.to(self.network.device)
        return ModelInput(model_input.image, x, model_input.box)

    def label(self, index: int) -> str:
        """Return the label of a class."""
        return self.labels[index] if index < len(self.labels) else f"class {index}"

    @property
    def device(self) -> torch.device:
        """The device that the network runs on."""
        return self.network.device
