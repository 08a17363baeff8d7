"""The unit that a technique explains or maximizes, and how its value is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from workers.toolkit.errors import UnknownPosition
from workers.toolkit.network.class_places import ClassPlaces
from workers.toolkit.network.network import LOGITS, Network, Rule
from workers.toolkit.network.types import Position


class TargetLike(Protocol):
    """A parsed target, as the catalog makes it."""

    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def index(self) -> int | None: ...
    @property
    def layer(self) -> str | None: ...
    @property
    def channel(self) -> int | None: ...
    @property
    def position(self) -> Position | None: ...


@dataclass(frozen=True)
class Unit:
    """One value of one layer: a channel at a position, a channel's mean, or the layer's mean.

    `places` are those over which the mean of a class of a dense output is taken.
    """

    path: str
    channel: int | None = None
    position: tuple[int, int] | None = None
    places: ClassPlaces | None = None

    @property
    def is_class(self) -> bool:
        """Whether the unit is a class score."""
        return self.path == LOGITS

    def value(self, network: Network, x: Tensor, rule: Rule | None = None) -> Tensor:
        """Return the unit's value for each image: (B, C, H, W) → (B,).

        Nothing behind the unit's layer is computed.
        """
        return self.read(network.run(x, self.path, rule))

    def read(self, output: Tensor) -> Tensor:
        """Return the unit's value from the layer's output: (B, C) or (B, C, H, W) → (B,)."""
        if self.channel is None:
            return output.flatten(1).mean(1)
        if self.position is not None:
            y, x = self.position
            return output[:, self.channel, y, x]
        channel = output[:, self.channel]
        if self.places is not None:
            return self.places.mean(channel)
        return channel.flatten(1).mean(1) if output.ndim == 4 else channel


def read_each(units: Sequence[Unit], output: Tensor) -> Tensor:
    """Return the value of each image's own unit from a layer's output: (B, …) → (B,)."""
    if all(unit == units[0] for unit in units):
        return units[0].read(output)
    return torch.cat([unit.read(one) for unit, one in zip(units, output[:, None], strict=True)])


def check_position(unit: Unit, network: Network) -> None:
    """Raise UnknownPosition if the layer's map, at the network's size, lacks the position."""
    if unit.position is None:
        return
    y, x = unit.position
    _, height, width = network.layer_shape(unit.path)
    if y >= height or x >= width:
        _, side, _ = network.input_shape
        name = "the output" if unit.is_class else repr(unit.path)
        raise UnknownPosition(
            f"At {side} × {side} pixels {name} has positions 0,0 to "
            f"{height - 1},{width - 1} (y,x); {y},{x} is outside."
        )


def find_unit(target: TargetLike, network: Network, first: int | None = None) -> Unit:
    """Return the unit that a target names.

    The target `top` is the model's first class, which it needs.
    """
    path, channel = target.layer, target.channel
    if path is None:
        path, channel = LOGITS, first if target.index is None else target.index
        assert channel is not None
    position = target.position
    if position == "center":
        _, height, width = network.layer_shape(path)
        position = (height // 2, width // 2)
    return Unit(path, channel, position)
