"""Describe a model's layers and receptive fields for processes without torch."""

from collections.abc import Mapping

from torch import fx

from catalog.models import Layer, ModelDescription, ModelEntry, ReceptiveField
from workers.models.build import find_builder
from workers.models.other_sizes import one_size_layers
from workers.models.verdicts import runtime_of
from workers.toolkit.network.attached_layers import has_map_gradient
from workers.toolkit.network.layers import (
    layer_type,
    layout_of,
    unproved_layers,
    unproved_reason,
)
from workers.toolkit.network.multiplications import multiplications
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.receptive_fields import fields_and_reasons
from workers.toolkit.network.regular_fields import ReceptiveField as GraphField


def describe_architecture(entry: ModelEntry) -> ModelDescription:
    """Describe the model without its weights, which may have to be downloaded first."""
    module = find_builder(entry).architecture(entry)
    return describe(entry.name, Network(module, *entry.input_shape), weights=None)


def describe(name: str, network: Network, weights: str | None) -> ModelDescription:
    """Describe a network; `weights` is the digest of its weights, or None if they are not loaded.

    Each layer's shape is that of the output as techniques get it, [C] or [C, H, W].
    """
    fields, reasons = fields_and_reasons(network.whole.graph)
    fixed = one_size_layers(network)
    layers = [
        _layer(network, path, fields, reasons).model_copy(update={"one_size": path in fixed})
        for path in network.layers
    ]
    return ModelDescription(
        model=name,
        weights=weights,
        parameters=sum(parameter.numel() for parameter in network.module.parameters()),
        multiplications=multiplications(network),
        rectifiers=len(network.rectifiers(LOGITS)),
        gradient=network.has_gradient(LOGITS),
        map_gradient=has_map_gradient(network),
        left_out=network.left_out if weights else [],
        unlisted=_unlisted(network),
        tested_with=runtime_of(network.device) if weights else None,
        layers=layers,
        output=list(network.layer_shape(LOGITS)),
    )


def _unlisted(network: Network) -> dict[str, str]:
    """Return why the output of a module is not listed as a layer."""
    unproved = unproved_layers(network.whole.graph)
    return {path: unproved_reason(node) for path, node in unproved.items()} | network.unlisted


def _layer(
    network: Network,
    path: str,
    fields: Mapping[fx.Node, GraphField | None],
    reasons: Mapping[fx.Node, str],
) -> Layer:
    node, shape = network.layers[path], network.layer_shape(path)
    field, layout = fields.get(node), layout_of(node)
    receptive_field = None
    if field is not None:
        receptive_field = ReceptiveField(
            size=list(field.size), stride=list(field.stride), offset=list(field.first)
        )
    return Layer(
        path=path,
        type=layer_type(node, path),
        shape=list(shape),
        channels=shape[0],
        layout=layout.kind,
        prefix_tokens=layout.prefix,
        gradient=network.has_gradient(path),
        receptive_field=receptive_field,
        receptive_field_reason=reasons.get(node),
    )
