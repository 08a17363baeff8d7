"""From a model's entry to a model that techniques can use."""

import hashlib

import torch
from torch import Tensor

from catalog.models import ModelEntry, class_labels
from catalog.models import Preprocessing as PreprocessingEntry
from workers.models.build import builder
from workers.models.errors import UnknownRecommended
from workers.models.smoke_test import smoke_test
from workers.models.state_names import fill
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel


def load_model(entry: ModelEntry, device: torch.device) -> VisionModel:
    """Build it, fill it with its weights, try it, freeze it. Raises ModelError or NotExportable."""
    made = builder(entry)
    state = made.weights(entry)
    module = made.architecture(entry)
    fill(module, state, entry.weights)
    smoke_test(entry, module)
    network = Network(module.to(device), *entry.input_shape)
    _check_recommended(entry, network)
    network.measure_rounding()  # now, while nothing else computes
    names = class_labels(entry)
    return VisionModel(
        entry.name,
        network,
        preprocessing_of(entry.preprocessing),
        names,
        digest(state),
        entry.recommended,
    )


def _check_recommended(entry: ModelEntry, network: Network) -> None:
    """Of a model of one's own: are its recommended layers there? Raises UnknownRecommended."""
    for use, layer in entry.recommended.items() if entry.own else ():
        if layer not in network.layers:
            raise UnknownRecommended(
                f"recommended.{use}: there is no layer {layer!r}. Layers: {', '.join(network.layers)}."
            )


def digest(state: dict[str, Tensor]) -> str:
    """sha256 over names, types, shapes and bytes: the same for the same weights, whatever file they came in."""
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return f"sha256:{total.hexdigest()}"


def preprocessing_of(entry: PreprocessingEntry) -> Preprocessing:
    """Return the preprocessing that the catalog describes."""
    return Preprocessing(**entry.model_dump())
