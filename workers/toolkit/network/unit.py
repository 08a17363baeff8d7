"""The neuron that a technique looks at, and how its value is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from workers.toolkit.errors import NoSuchPlace
from workers.toolkit.network.network import LOGITS, Network, Rule

Position = tuple[int, int] | Literal["center"]


class TargetLike(Protocol):
    """A parsed target, as the catalog makes it."""

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
    """One value of one layer: a channel at a position, a channel's mean, or the mean of all channels."""

    path: str
    channel: int | None = None
    position: tuple[int, int] | None = None

    @property
    def is_class(self) -> bool:
        return self.path == LOGITS

    def value(self, network: Network, x: Tensor, rule: Rule | None = None) -> Tensor:
        """(B, C, H, W) → (B,). Nothing behind the unit's layer is computed."""
        return self.read(network.run(x, self.path, rule))

    def read(self, output: Tensor) -> Tensor:
        """The layer's output (B, C) or (B, C, H, W) → (B,)."""
        if self.channel is None:
            return output.flatten(1).mean(1)
        if self.position is not None:
            y, x = self.position
            return output[:, self.channel, y, x]
        return (
            output[:, self.channel].flatten(1).mean(1)
            if output.ndim == 4
            else output[:, self.channel]
        )


def read_each(units: Sequence[Unit], output: Tensor) -> Tensor:
    """Of a layer's output (B, …) the value of each image's own unit, → (B,)."""
    if all(unit == units[0] for unit in units):
        return units[0].read(output)
    return torch.cat([unit.read(one) for unit, one in zip(units, output[:, None], strict=True)])


def check_position(unit: Unit, network: Network) -> None:
    """Raises NoSuchPlace where the layer's map is too small, at the network's present size, for the unit's position."""
    if unit.position is None:
        return
    _, height, width = network.layer_shape(unit.path)
    if unit.position[0] >= height or unit.position[1] >= width:
        _, side, _ = network.input_shape
        raise NoSuchPlace(
            f"At {side} × {side} pixels {unit.path!r} has positions 0,0 to {height - 1},{width - 1} (y,x); "
            f"{unit.position[0]},{unit.position[1]} is outside."
        )


def find_unit(target: TargetLike, network: Network, logits: Tensor | None = None) -> Unit:
    """The unit that a target names; `top` is the first class of the logits (1, classes), which it needs."""
    if target.layer is None:
        if target.index is None:
            assert logits is not None
            return Unit(LOGITS, int(logits.argmax()))
        return Unit(LOGITS, target.index)
    position = target.position
    if position == "center":
        _, height, width = network.layer_shape(target.layer)
        position = (height // 2, width // 2)
    return Unit(target.layer, target.channel, position)
