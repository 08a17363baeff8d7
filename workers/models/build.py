"""An architecture and its weights, by the model's entry. One builder per source; none ever loads pickled code."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models import custom, efficientnet_lite0, timm_zoo, torchvision_zoo


class Builder(NamedTuple):
    """`architecture` makes the module with random weights, `weights` its published state dict."""

    architecture: Callable[[ModelEntry], nn.Module]
    weights: Callable[[ModelEntry], dict[str, Tensor]]


_BUILDERS = {
    "package": Builder(efficientnet_lite0.architecture, efficientnet_lite0.weights),
    "torchvision": Builder(torchvision_zoo.architecture, torchvision_zoo.weights),
    "timm": Builder(timm_zoo.architecture, timm_zoo.weights),
    "own": Builder(custom.architecture, custom.weights),
}


def builder(entry: ModelEntry) -> Builder:
    return _BUILDERS[entry.builder]
