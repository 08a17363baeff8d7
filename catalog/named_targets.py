"""What a request names inside a model: parsed before the model is known, looked up afterwards."""

import re
from collections.abc import Sequence
from dataclasses import replace

from catalog.errors import InvalidTarget, LayerWithoutMap
from catalog.gradients import check_gradient
from catalog.models import Layer, ModelDescription
from catalog.targets import Target, check_target, find_layer, parse_target
from catalog.technique import Params


def read_targets(params: Params, labels: Sequence[str], *, dense: bool = False) -> list[Target]:
    """Parse the targets of a request; `dense` says whether the model's output is.

    Raises InvalidTarget, with a pointer to the parameter.
    """
    try:
        return [
            replace(parse_target(part.text, labels, params.model, dense=dense), weight=part.weight)
            for part in params.named_targets()
        ]
    except InvalidTarget as error:
        raise type(error)(error.detail, params.targets_at) from None


def check_named(params: Params, targets: Sequence[Target], description: ModelDescription) -> None:
    """Refuse layers, channels and positions that the model does not have, or have no gradient.

    Raises InvalidTarget.
    """
    for path in params.named_layers():
        layer = find_layer(path, description, _named_at(params, path))
        if params.layers_need_maps and not _has_map(layer):
            raise _without_map(path, description, _named_at(params, path))
    try:
        for target in targets:
            check_target(target, description)
        check_gradient(params, targets, description)
    except InvalidTarget as error:
        raise type(error)(error.detail, params.targets_at) from None


def _without_map(path: str, description: ModelDescription, pointer: str) -> LayerWithoutMap:
    maps = [layer.path for layer in description.layers if _has_map(layer)]
    last = f" The model's last layer with a map is {maps[-1]!r}." if maps else ""
    return LayerWithoutMap(f"The output of {path!r} is not a map.{last}", pointer)


def _has_map(layer: Layer) -> bool:
    return len(layer.shape) == 3 and layer.shape[1] * layer.shape[2] > 1


def _named_at(params: Params, path: str) -> str:
    """Return the JSON pointer of the parameter that names the layer."""
    fields = [name for name in type(params).model_fields if "layer" in name]
    named = (name for name in fields if path in re.split(r"[,\s]+", str(getattr(params, name))))
    return f"/{next(named, 'layer')}"
