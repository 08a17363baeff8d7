"""The text form of a target: its parser, and its check against a model."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog.class_hints import classes_holding, classes_of_model_holding, did_you_mean
from catalog.class_names import class_index
from catalog.errors import (
    InvalidTarget,
    UnknownChannel,
    UnknownLayer,
    UnknownPosition,
    near_matches,
)
from catalog.label_file import comparable
from catalog.listings import LAYERS
from catalog.models import Layer, ModelDescription

Kind = Literal["top", "class", "channel", "neuron", "layer"]
Position = tuple[int, int] | Literal["center"]

_UNIT = re.compile(
    r"(?P<layer>[\w.-]+)"
    r"(?::(?P<channel>[0-9]{1,9})(?:@(?P<position>center|[0-9]{1,9},[0-9]{1,9}))?)?"
)
_PLACED = re.compile(r"(?P<name>.+?)\s*@(?P<position>center|[0-9]{1,9},[0-9]{1,9})", re.DOTALL)
_INDEX = re.compile("0|[1-9][0-9]*")
_FORMS = (
    "Write top, class:285, class:Egyptian cat, layer:20, layer:20@7,7, layer:20@center or layer."
)


@dataclass(frozen=True)
class Target:
    """A parsed target. Only the fields of its kind are set.

    `weight` is 1 unless the technique takes several targets with weights.
    """

    text: str
    kind: Kind
    index: int | None = None
    layer: str | None = None
    channel: int | None = None
    position: Position | None = None
    weight: float = 1.0


TOP = Target("top", "top")


def parse_target(text: str, labels: Sequence[str], model: str, *, dense: bool = False) -> Target:
    """Parse a target; labels become class indices.

    A class has a position only if the output is dense. Raises InvalidTarget.
    """
    text = comparable(text.strip())
    if text == "top":
        return Target(text, "top")
    if text.startswith("class:"):
        return _class(text, labels, model, dense=dense)
    if text.casefold() in map(str.casefold, labels):
        raise InvalidTarget(f"{text!r} is a label. Write class:{text}.")
    match = _UNIT.fullmatch(text)
    if match is None:
        hint = did_you_mean(classes_holding(text, labels))
        raise InvalidTarget(f"The target {text[:80]!r} cannot be read.{hint} {_FORMS}")
    return _unit(text, match)


def check_target(target: Target, description: ModelDescription) -> None:
    """Refuse a layer, channel or position that the model does not have.

    Raises UnknownLayer, UnknownChannel or UnknownPosition.
    """
    if target.layer is None:
        _check_place(target, description)
        return
    layer = find_layer(target.layer, description)
    if target.channel is not None and target.channel >= layer.channels:
        raise UnknownChannel(
            f"Layer {layer.path!r} has channels 0 to {layer.channels - 1}; "
            f"channel {target.channel} is outside."
        )
    if target.position is not None:
        _check_position(target.position, layer)


def _unit(text: str, match: re.Match[str]) -> Target:
    layer, channel, position = match["layer"], match["channel"], match["position"]
    if channel is None:
        return Target(text, "layer", layer=layer)
    if position is None:
        return Target(text, "channel", layer=layer, channel=int(channel))
    return Target(text, "neuron", layer=layer, channel=int(channel), position=_position(position))


def _class(text: str, labels: Sequence[str], model: str, *, dense: bool) -> Target:
    name = text.removeprefix("class:").strip()
    match = _PLACED.fullmatch(name)
    if match is None or name.casefold() in map(str.casefold, labels):
        return Target(text, "class", index=class_index(name, labels, model))
    index = class_index(match["name"], labels, model)
    if not dense:
        raise UnknownPosition(
            f"The classes of model {model!r} have no positions: it classifies whole images. "
            "Leave out the @ part."
        )
    return Target(text, "class", index=index, position=_position(match["position"]))


def _position(text: str) -> Position:
    if text == "center":
        return "center"
    y, x = text.split(",")
    return int(y), int(x)


def find_layer(path: str, description: ModelDescription, pointer: str = "/target") -> Layer:
    """Return a layer. Raises UnknownLayer, with the JSON pointer of the parameter."""
    known = {layer.path: layer for layer in description.layers}
    if path not in known:
        hint = _layer_hint(path, known, description.model)
        listing = LAYERS.of(description.model)
        raise UnknownLayer(
            f"Model {description.model!r} has no layer {path[:80]!r}.{hint} {listing}", pointer
        )
    return known[path]


def _layer_hint(path: str, known: Iterable[str], model: str) -> str:
    if _INDEX.fullmatch(path):
        return f" Did you mean class:{path}?"
    classes = classes_of_model_holding(path, model)
    return did_you_mean(classes) if classes else near_matches(path, known)


def _check_position(position: Position, layer: Layer) -> None:
    if len(layer.shape) != 3:
        raise UnknownPosition(
            f"The output of layer {layer.path!r} is a vector, without positions. Leave out the @ "
            f"part."
        )
    _, height, width = layer.shape
    if position == "center":
        return
    if position[0] >= height or position[1] >= width:
        raise UnknownPosition(
            f"Layer {layer.path!r} has positions 0,0 to {height - 1},{width - 1} (y,x); "
            f"{position[0]},{position[1]} is outside."
        )


def _check_place(target: Target, description: ModelDescription) -> None:
    """Refuse a place that the dense output does not have, if its size is known."""
    place, shape = target.position, description.output
    if place is None or place == "center" or shape is None or len(shape) != 3:
        return
    if place[0] >= shape[1] or place[1] >= shape[2]:
        raise UnknownPosition(
            f"The output of model {description.model!r} has positions 0,0 to "
            f"{shape[1] - 1},{shape[2] - 1} (y,x); {place[0]},{place[1]} is outside."
        )
