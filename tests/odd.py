"""Small models with unusual outputs and inputs, on which closed forms are cheap."""

import torch
from torch import Tensor, nn

from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.head import Head
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

SIDE = 24


class Odd(nn.Module):
    """Two convolutions and a head; `kind` says what is unusual about the output."""

    def __init__(self, kind: str = "plain", classes: int = 4, channels: int = 3) -> None:
        super().__init__()
        self.kind = kind
        self.first = nn.Conv2d(channels, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Linear(8, classes)
        self.classify = nn.Conv2d(8, classes, 1)

    def forward(self, x: Tensor) -> object:
        features = torch.relu(self.second(torch.relu(self.first(x))))
        scores = self.last(features.mean((2, 3)))
        match self.kind:
            case "tuple":
                return scores, features
            case "dict":
                return {"out": scores, "aux": features}
            case "nested":
                return {"heads": [features, (features, scores)], "aux": features}
            case "dense":
                return self.classify(features)
            case "softmax":
                return scores.softmax(1)
            case "sigmoid":
                return scores.sigmoid()
            case _:
                return scores


def build(kind: str = "plain", classes: int = 4, channels: int = 3, seed: int = 0) -> Odd:
    """Return the model with weights of the seed, large enough to make unequal probabilities."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = Odd(kind, classes, channels)
        module.last.weight.data *= 6
        module.classify.weight.data *= 6
    return module.eval()


def odd_model(
    kind: str = "plain", head: Head | None = None, classes: int = 4, channels: int = 3
) -> VisionModel:
    """Return such a model, with its own mean and deviation for every channel."""
    mean = tuple(0.3 + 0.05 * i for i in range(channels))
    std = tuple(0.2 + 0.03 * i for i in range(channels))
    return VisionModel(
        "odd",
        Network(build(kind, classes, channels), channels, SIDE, SIDE),
        Preprocessing(SIDE, SIDE, "bilinear", mean, std),
        tuple(f"label {i}" for i in range(classes)),
        "sha256:odd",
        head=head or Head(),
    )
