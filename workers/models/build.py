"""Builders of a model's architecture and weights, one per source. None loads pickled code."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models import custom, efficientnet_lite0, timm_zoo, torchvision_zoo


class Builder(NamedTuple):
    """The two functions of a source of models."""

    # Builds the module, with random weights.
    architecture: Callable[[ModelEntry], nn.Module]
    # Returns the state dict that belongs to it.
    weights: Callable[[ModelEntry], dict[str, Tensor]]


_BUILDERS = {
    "package": Builder(efficientnet_lite0.architecture, efficientnet_lite0.weights),
    "torchvision": Builder(torchvision_zoo.architecture, torchvision_zoo.weights),
    "timm": Builder(timm_zoo.architecture, timm_zoo.weights),
    "own": Builder(custom.architecture, custom.weights),
}


def find_builder(entry: ModelEntry) -> Builder:
    """Return the builder of the entry's source."""
    return _BUILDERS[entry.builder]
