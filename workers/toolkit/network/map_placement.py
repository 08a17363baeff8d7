"""Draw a layer's map where its places lie in the image.

The map of an ordinary network covers the image: it is stretched over it, as in the literature. A
network that crops, pads or zooms its own input, or whose convolutions leave the borders out, has a
map of another part, which is drawn there. The criterion is stated by `covers_image`.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.network.grid import Edges, Grid
from workers.toolkit.network.layers import grid_of
from workers.toolkit.network.network import Network
from workers.toolkit.network.types import Pair


def draw_map(network: Network, path: str, values: Tensor) -> Tensor:
    """Return a layer's map (h, w) as one of the image, (H, W).

    Between the centres of its places the map is interpolated, and beyond the outermost ones it goes
    on with their values. It is zero where the network crops the image.
    """
    size = network.input_shape[1:]
    grid = grid_of(network.layers[path])
    if grid is None or covers_image(grid, size):
        return F.interpolate(values[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    rows = _weights(size[0], grid.size[0], grid.first[0], grid.stride[0], grid.rows)
    columns = _weights(size[1], grid.size[1], grid.first[1], grid.stride[1], grid.columns)
    return rows.to(values) @ values @ columns.to(values).T


def covers_image(grid: Grid, size: Pair) -> bool:
    """Return whether a map, stretched over the image of that height and width, is about in place.

    No pixel is cropped on the way from the image, and the outermost centres move by less than one
    place of the coarsest map before the layer, as they do by padding on one side.
    """
    stretched = Grid(size).resized(grid.size)
    cropped = not all(map(_holds, (grid.rows, grid.columns), size))
    return not cropped and grid.shift_from(stretched) < 1


def _holds(edges: Edges, side: int) -> bool:
    """Return whether the centres of the first and the last pixel lie within the edges."""
    return edges[0] <= 0.5 and edges[1] >= side - 0.5


def _weights(side: int, places: int, first: float, stride: float, edges: Edges) -> Tensor:
    """Return how much each pixel along an axis has of each place: (pixels, places), float64."""
    pixels = torch.arange(side, dtype=torch.float64)
    at = ((pixels - first) / stride).clamp(0, places - 1)
    weights = (1 - (at[:, None] - torch.arange(places)).abs()).clamp(min=0)
    seen = (pixels + 0.5 >= edges[0]) & (pixels + 0.5 <= edges[1])
    return weights * seen[:, None]
