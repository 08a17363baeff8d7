"""The part of a picture that one neuron sees: only there a picture can be optimized for it."""

from dataclasses import dataclass

from torch import Tensor

from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import receptive_fields, seen_pixels
from workers.toolkit.network.unit import Unit
from workers.toolkit.optimization.parametrization import Parametrization
from workers.toolkit.optimization.transforms import Point


@dataclass(frozen=True)
class UnitField:
    """The rows and columns of the picture that a unit sees.

    `centre` is the middle of the receptive field in that part. It is off its middle where the
    picture ends within the field.
    """

    top: int
    left: int
    bottom: int
    right: int
    centre: Point

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in pixels."""
        return self.left, self.top, self.right, self.bottom

    def cut(self, picture: Tensor) -> Tensor:
        """Return the part (B, C, h, w) of pictures (B, C, H, W)."""
        return picture[..., self.top : self.bottom, self.left : self.right]

    def paste(self, part: Tensor, around: Tensor) -> Tensor:
        """Return the pictures `around` (B, C, H, W) with the part (B, C, h, w) in its place."""
        whole = around.detach().expand(len(part), -1, -1, -1).clone()
        whole[..., self.top : self.bottom, self.left : self.right] = part
        return whole


class WithinField:
    """A picture of which only the field is optimized; around it stays the picture `around`."""

    def __init__(self, inside: Parametrization, around: Tensor, field: UnitField) -> None:
        self.inside, self._around, self._field = inside, around.detach().clone(), field
        self.parameters = inside.parameters

    def picture(self) -> Tensor:
        """Return the picture (B, C, H, W)."""
        return self._field.paste(self.inside.picture(), self._around)


def field_of(network: Network, unit: Unit) -> UnitField | None:
    """Return the field of one neuron.

    Return None for a unit without a position, and for one of which no field is known.
    """
    if unit.position is None:
        return None
    graph, node = network.whole.graph, network.operators(unit.path)[-1]
    found = receptive_fields(graph).get(node)
    if found is None:
        return None
    y, x = unit.position
    left, top, right, bottom = seen_pixels(graph)[node].box(y, x)
    if left >= right or top >= bottom:
        return None
    middle_y = found.first[0] + y * found.stride[0] + found.size[0] / 2
    middle_x = found.first[1] + x * found.stride[1] + found.size[1] / 2
    centre = (_within(middle_x, left, right), _within(middle_y, top, bottom))
    return UnitField(top, left, bottom, right, centre)


def _within(middle: float, first: int, last: int) -> float:
    """Return a coordinate of the picture as one of the part, −1..1, at its edge if it is beyond."""
    return min(max(2 * (middle - first) / (last - first) - 1, -1.0), 1.0)
