"""The text form of a target: its parser, and its check against a model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from catalog.class_names import class_index
from catalog.errors import (
    InvalidTarget,
    UnknownChannel,
    UnknownLayer,
    UnknownPosition,
    near_matches,
)
from catalog.models import Layer, ModelDescription

Kind = Literal["top", "class", "channel", "neuron", "layer"]
Position = tuple[int, int] | Literal["center"]

_UNIT = re.compile(
    r"(?P<layer>[\w.-]+)(?::(?P<channel>\d{1,9})(?:@(?P<position>center|\d{1,9},\d{1,9}))?)?"
)
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


def parse_target(text: str, labels: Sequence[str], model: str) -> Target:
    """Parse a target; labels become class indices. Raises InvalidTarget."""
    text = text.strip()
    if text == "top":
        return Target(text, "top")
    if text.startswith("class:"):
        return Target(
            text, "class", index=class_index(text.removeprefix("class:").strip(), labels, model)
        )
    if text.casefold() in map(str.casefold, labels):
        raise InvalidTarget(f"{text!r} is a label. Write class:{text}.")
    match = _UNIT.fullmatch(text)
    if match is None:
        raise InvalidTarget(f"The target {text[:80]!r} cannot be read. {_FORMS}")
    return _unit(text, match)


def check_target(target: Target, description: ModelDescription) -> None:
    """Refuse a layer, channel or position that the model does not have.

    Raises UnknownLayer, UnknownChannel or UnknownPosition.
    """
    if target.layer is None:
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


def _position(text: str) -> Position:
    if text == "center":
        return "center"
    y, x = text.split(",")
    return int(y), int(x)


def find_layer(path: str, description: ModelDescription, pointer: str = "/target") -> Layer:
    """Return a layer. Raises UnknownLayer, with the JSON pointer of the parameter."""
    known = {layer.path: layer for layer in description.layers}
    if path not in known:
        hint = f" Did you mean class:{path}?" if path.isdecimal() else near_matches(path, known)
        listing = f"GET /v1/models/{description.model}/layers lists the layers."
        raise UnknownLayer(
            f"Model {description.model!r} has no layer {path[:80]!r}.{hint} {listing}", pointer
        )
    return known[path]


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
