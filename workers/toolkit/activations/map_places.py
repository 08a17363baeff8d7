"""Where the places of a layer's map lie in a photograph."""

from dataclasses import dataclass
from functools import cached_property

from workers.toolkit.activations.patches import clip, seen_box
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box
from workers.toolkit.network.grid import Grid
from workers.toolkit.network.layers import grid_of
from workers.toolkit.network.map_placement import covers_image
from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import seen_pixels
from workers.toolkit.network.seen_pixels import SeenPixels


@dataclass(frozen=True)
class MapPlaces:
    """The places of a layer's map of `size` [H, W] in the photograph of a model's input.

    All boxes are in pixels of the photograph.
    """

    network: Network
    path: str
    model_input: ModelInput
    size: tuple[int, int]

    @cached_property
    def map_box(self) -> Box:
        """The part of the photograph that the map covers, as `draw_map` draws it."""
        height, width = self.network.input_shape[1:]
        grid = grid_of(self.network.layers[self.path])
        if grid is None or covers_image(grid, (height, width)):
            return self.model_input.box
        (top, bottom), (left, right) = _edges(grid, 0), _edges(grid, 1)
        return self.model_input.to_image((left, top, right, bottom))

    @cached_property
    def _seen(self) -> SeenPixels | None:
        return seen_pixels(self.network.whole.graph).get(self.network.layers[self.path])

    def cell(self, y: int, x: int) -> Box:
        """Return the place's own part of the photograph, one of equal parts of `map_box`."""
        left, top, right, bottom = self.map_box
        height, width = (bottom - top) / self.size[0], (right - left) / self.size[1]
        box = left + x * width, top + y * height, left + (x + 1) * width, top + (y + 1) * height
        return clip(box, self.model_input.image)

    def seen(self, y: int, x: int) -> Box:
        """Return what the unit at the place sees: all that the network sees if it is not known."""
        return seen_box(self.model_input, self._seen, y, x)


def _edges(grid: Grid, axis: int) -> tuple[float, float]:
    """Return where the cells of a grid begin and end along an axis, in pixels of the input."""
    begin = grid.first[axis] + 0.5 - grid.stride[axis] / 2
    return begin, begin + grid.size[axis] * grid.stride[axis]
