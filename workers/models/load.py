"""Load a model: from its entry in the catalog to a network that techniques can use."""

import hashlib

import torch
from torch import Tensor

from catalog.models import ModelEntry, class_labels
from catalog.models import Preprocessing as PreprocessingEntry
from workers.models.acceptance import accept
from workers.models.build import find_builder
from workers.models.check_output import check_output
from workers.models.errors import UnknownRecommended
from workers.models.state_names import fill
from workers.models.verdicts import Descriptions, find_verdict, keep_verdict, no_descriptions
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.head import Head
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel


def load_model(
    entry: ModelEntry, device: torch.device, descriptions: Descriptions = no_descriptions
) -> VisionModel:
    """Build the module, load its weights, test it and trace it.

    With the description of a worker that tested the same weights, the acceptance test is not
    repeated. Raises ModelError or NotExportable.
    """
    builder = find_builder(entry)
    state = builder.weights(entry)
    module = builder.architecture(entry)
    fill(module, state, entry.weights)
    check_output(entry, module)
    weights = digest(state)
    known = find_verdict(entry, weights, device, descriptions)
    network, verdict = accept(entry.name, module.to(device), entry.input_shape, known)
    if known is None:
        keep_verdict(entry, weights, device, verdict)
    _check_recommended(entry, network)
    # Measure the rounding error now, while nothing else computes.
    network.measure_rounding()
    return VisionModel(
        entry.name,
        network,
        preprocessing_of(entry.preprocessing),
        class_labels(entry),
        weights,
        entry.recommended,
        Head(entry.head, entry.dense),
    )


def _check_recommended(entry: ModelEntry, network: Network) -> None:
    """Raise UnknownRecommended if a custom model lacks a layer that its entry recommends."""
    if not entry.own:
        return
    for use, layer in entry.recommended.items():
        if layer not in network.layers:
            layers = ", ".join(network.layers)
            raise UnknownRecommended(
                f"recommended.{use}: there is no layer {layer!r}. Layers: {layers}."
            )


def digest(state: dict[str, Tensor]) -> str:
    """Return the SHA-256 of the tensors' names, types, shapes and bytes.

    Equal weights have equal digests, whatever file format they were stored in.
    """
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return f"sha256:{total.hexdigest()}"


def preprocessing_of(entry: PreprocessingEntry) -> Preprocessing:
    """Return the preprocessing that the catalog describes."""
    return Preprocessing(**entry.model_dump())
