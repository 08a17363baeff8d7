"""Describe a model's layers and receptive fields for processes without torch."""

from catalog.models import Layer, ModelDescription, ModelEntry, ReceptiveField
from workers.models.build import find_builder
from workers.toolkit.network.layers import layer_type
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.receptive_fields import ReceptiveField as GraphField
from workers.toolkit.network.receptive_fields import receptive_fields


def describe_architecture(entry: ModelEntry) -> ModelDescription:
    """Describe the model without its weights, which may have to be downloaded first."""
    module = find_builder(entry).architecture(entry)
    return describe(entry.name, Network(module, *entry.input_shape), weights=None)


def describe(name: str, network: Network, weights: str | None) -> ModelDescription:
    """Describe a network; `weights` is the digest of its weights, or None if they are not loaded.

    Listed are layers whose output is a vector, and those whose output has the axes (C, H, W). In
    every listed layer the first axis therefore is the channel.
    """
    fields = receptive_fields(network.whole.graph)
    layers = [
        _layer(path, layer_type(node, path), network.layer_shape(path), fields.get(node))
        for path, node in network.layers.items()
        if node in fields or len(network.layer_shape(path)) == 1
    ]
    return ModelDescription(
        model=name,
        weights=weights,
        parameters=sum(parameter.numel() for parameter in network.module.parameters()),
        rectifiers=len(network.rectifiers(LOGITS)),
        layers=layers,
        output=list(network.layer_shape(LOGITS)),
    )


def _layer(path: str, kind: str, shape: tuple[int, ...], field: GraphField | None) -> Layer:
    receptive_field = None
    if field is not None:
        receptive_field = ReceptiveField(
            size=list(field.size), stride=list(field.stride), offset=list(field.first)
        )
    return Layer(
        path=path, type=kind, shape=list(shape), channels=shape[0], receptive_field=receptive_field
    )
