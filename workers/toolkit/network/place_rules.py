"""How each operator moves, joins or sums places, which `trace_places` follows through a graph."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_map

from workers.toolkit.network.graph import operator_info
from workers.toolkit.network.grid import all_alike, uncropped
from workers.toolkit.network.operators import PlaceEffect
from workers.toolkit.network.places import (
    Places,
    distinct,
    join,
    map_places,
    reduce,
    regrid,
    unproved,
    whole,
)
from workers.toolkit.network.types import Pair
from workers.toolkit.network.windows import sliding_window

Named = dict[str, Any]
"""An operator's arguments by name; tensors that the image reaches are Places."""

Shapes = Sequence[torch.Size]
"""The shapes of an operator's results, for a batch of one."""


def find_places(node: fx.Node, given: Named, shapes: Shapes) -> list[Places]:
    """Return the places of each result of an operator, from those of its arguments."""
    effect = operator_info(node).effect
    rule = _RULES.get(effect) if effect is not None else None
    found = rule(node, given, shapes) if rule else None
    return found if found is not None else unproved_all(given, shapes)


def places_in(given: Named) -> list[Places]:
    """Return the arguments that the image reaches."""
    found: list[Places] = []
    tree_map(lambda value: found.append(value) if isinstance(value, Places) else None, given)
    return found


def unproved_all(given: Named, shapes: Shapes) -> list[Places]:
    """Return results of which nothing is known, unless no input belongs to a place anyway."""
    known = places_in(given)
    make = whole if all(places.is_whole for places in known) else unproved
    return [make(shape, known[0].codes.device) for shape in shapes]


def _moved(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Run the operator on the codes themselves: it only moves, copies or drops values.

    Numbers that the image does not reach, as those of a class token, belong to no place.
    """
    grids = [places.grid for places in places_in(given) if places.grid is not None]
    # Which values an index chooses that the image decides about is not known.
    chosen = places_in({name: given.get(name) for name in ("index", "indices")})
    if chosen or not all_alike(grids):
        return None
    codes = tree_map(_codes, given)
    try:
        moved = call(node, codes)
    except (RuntimeError, IndexError, TypeError, ValueError):  # not an operator on whole numbers
        return None
    results = [moved] if isinstance(moved, Tensor) else list(moved)
    grid = uncropped(grids[0], grids) if grids else None
    return [regrid(Places(result, grid)) for result in results]


def _codes(value: Any) -> Any:
    if isinstance(value, Places):
        return value.codes.contiguous()  # as views need it
    is_constant = isinstance(value, Tensor) and value.is_floating_point()
    return whole(value.shape, value.device).codes if is_constant else value


def call(node: fx.Node, given: Named) -> Any:
    """Run the node's operator with arguments by name."""
    assert callable(node.target)
    if isinstance(node.target, torch._ops.OpOverload):
        schema = node.target._schema.arguments
        positional = [given[a.name] for a in schema if not a.kwarg_only]
        return node.target(*positional, **{a.name: given[a.name] for a in schema if a.kwarg_only})
    return node.target(*given.values())


def _kept(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Join the inputs in the first result; others, such as a norm's statistics, are not known."""
    known = places_in(given)
    others = (unproved(shape, known[0].codes.device) for shape in shapes[1:])
    return [join(known, shapes[0]), *others]


def _padded(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Extend the grid where rows and columns of a whole map are padded."""
    (places,) = places_in(given)
    sides = [*given["pad"]]
    axes = _map_axes(places)
    if axes is None or len(sides) > 2 * places.codes.ndim:
        return _around(places, sides, shapes)
    before = [0] * places.codes.ndim
    after = [0] * places.codes.ndim
    for i in range(0, len(sides), 2):
        before[-1 - i // 2], after[-1 - i // 2] = sides[i], sides[i + 1]
    if any(before[i] or after[i] for i in range(len(before)) if i not in axes):
        return _around(places, sides, shapes)
    grid = places.grid
    assert grid is not None
    size = (shapes[0][axes[0]], shapes[0][axes[1]])
    padding = (before[axes[0]], before[axes[1]])
    wider = grid.windowed(size, (1, 1), (1, 1), padding)
    codes = torch.arange(size[0] * size[1], dtype=torch.int32, device=places.codes.device)
    spread = [size[axes.index(i)] if i in axes else 1 for i in range(places.codes.ndim)]
    return [Places(codes.view(spread).expand(shapes[0]), wider)]


def _around(places: Places, sides: list[int], shapes: Shapes) -> list[Places] | None:
    """Pad the codes themselves: what lies around belongs to no cell."""
    padded = torch.nn.functional.pad(places.codes, sides, value=-1)
    return [regrid(Places(padded, places.grid))] if padded.shape == shapes[0] else None


def _windowed(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    window = sliding_window(node)
    places = places_in(given)[0]
    if places.grid is not None and given.get("groups") == 1 and not _is_map(places):
        places = reduce(places, [1])  # as after space was moved to depth
    if window is None or not _is_map(places) or places.grid is None:
        return None
    kernel = _pair((window.kernel[axis] - 1) * window.dilation[axis] + 1 for axis in (0, 1))
    size = _pair(shapes[0][-2:])
    grid = places.grid.windowed(size, kernel, window.stride, window.padding)
    return [map_places(shape, grid, places.codes.device) for shape in shapes]


def _resized(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Follow a map that is resized or pooled as a whole: the grid covers the same image."""
    places = places_in(given)[0]
    if not _is_map(places) or places.grid is None:
        return None
    grid = places.grid.resized(_pair(shapes[0][-2:]))
    return [map_places(shape, grid, places.codes.device) for shape in shapes]


def _gated(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Follow a gated linear unit: one half of the values times a function of the other half."""
    places = given["self"]
    one, other = places.codes.chunk(2, given["dim"])
    return [join([Places(one, places.grid), Places(other, places.grid)], shapes[0])]


def _across_channels(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Follow a mean over neighbouring channels, (N, 1, C, H, W), as in local response norm."""
    kernel, stride = list(given["kernel_size"]), list(given["stride"] or given["kernel_size"])
    if len(kernel) < 3 or kernel[1:] != [1, 1] or stride[1:] not in ([], [1, 1]):
        return None
    summed = reduce(given["self"], [-3])
    return [Places(summed.codes.expand(shapes[0]), summed.grid)]


def _reduced(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    if "other" in given:  # the larger or smaller of two tensors, which only shares the name
        return _kept(node, given, shapes)
    (places,) = places_in(given)
    dims = given.get("dim")
    axes = [dims] if isinstance(dims, int) else list(dims or ())
    reduced = reduce(places, axes or range(places.codes.ndim))
    return [Places(reduced.codes.reshape(shape), reduced.grid) for shape in shapes]


def _linear(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    places = given["input"]
    if not isinstance(places, Places) or len(places_in(given)) > 1:
        return None
    summed = reduce(places, [-1])
    return [Places(summed.codes.expand(shapes[0]), summed.grid)]


def _product(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Follow a matrix product: each value belongs to the cell of its row, or else of its column.

    In attention, rows are queries: a value belongs to the query's cell, whatever it attends to.
    """
    factors = list(given.values())[:2]
    found = [
        _summed(factor, axis, shapes[0], blocks=len(places_in(given)) == 1)
        for factor, axis in zip(factors, (-1, -2), strict=True)
        if isinstance(factor, Places) and factor.codes.ndim > 1
    ]
    return [next((places for places in found if not places.is_whole), found[0])] if found else None


def _summed(factor: Places, axis: int, shape: Sequence[int], *, blocks: bool) -> Places:
    """Return the places of one factor of a product, summed along an axis."""
    summed = reduce(factor, [axis], blocks=blocks)
    return Places(summed.codes.expand(shape), summed.grid)


def _attention(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Follow attention: a value belongs to the cell of its query."""
    query = given["query"]
    if not isinstance(query, Places):
        return [whole(shape, places_in(given)[0].codes.device) for shape in shapes]
    summed = reduce(query, [-1], blocks=False)
    return [Places(summed.codes.expand(shape), summed.grid) for shape in shapes]


def _einsum(node: fx.Node, given: Named, shapes: Shapes) -> list[Places] | None:
    """Follow a sum of products: each value belongs to the cell of the first factor that has one."""
    inputs, arrow, output = given["equation"].replace(" ", "").partition("->")
    if not arrow:
        return None
    for letters, factor in zip(inputs.split(","), given["tensors"], strict=True):
        if not isinstance(factor, Places):
            continue
        if "." in letters or len(set(letters)) < len(letters):
            return None
        summed = [i for i, letter in enumerate(letters) if letter not in output]
        places = reduce(factor, summed, blocks=False) if summed else factor
        if places.is_whole:
            continue
        kept = [letter for letter in letters if letter in output]
        codes = places.codes.squeeze(summed) if summed else places.codes
        order = sorted(range(len(kept)), key=lambda i: output.index(kept[i]))
        codes = codes.permute(order)
        for i, letter in enumerate(output):
            codes = codes if letter in kept else codes.unsqueeze(i)
        return [Places(codes.expand(shapes[0]), places.grid)]
    return None


def _is_map(places: Places) -> bool:
    """Return whether rows and columns of the grid are the last two axes of (N, C, H, W)."""
    return _map_axes(places) == (places.codes.ndim - 2, places.codes.ndim - 1)


def _map_axes(places: Places) -> Pair | None:
    """Return the two neighbouring axes that are the rows and columns of the whole grid, in order.

    Along all other axes the cell is the same.
    """
    grid, codes = places.grid, distinct(places.codes)
    if grid is None:
        return None
    for row in range(codes.ndim - 1):
        if tuple(places.shape[row : row + 2]) != grid.size:
            continue
        spread = [grid.size[i - row] if i in (row, row + 1) else 1 for i in range(codes.ndim)]
        cells = torch.arange(grid.size[0] * grid.size[1], device=codes.device)
        if bool((codes == cells.view(spread)).all()):
            return row, row + 1
    return None


def _pair(values: Any) -> Pair:
    vertical, horizontal = values
    return int(vertical), int(horizontal)


_Rule = Callable[[fx.Node, Named, Shapes], list[Places] | None]
_RULES: dict[PlaceEffect, _Rule] = {
    PlaceEffect.MOVES: _moved,
    PlaceEffect.KEEPS: _kept,
    PlaceEffect.PADS: _padded,
    PlaceEffect.WINDOW: _windowed,
    PlaceEffect.RESIZES: _resized,
    PlaceEffect.REDUCES: _reduced,
    PlaceEffect.LINEAR: _linear,
    PlaceEffect.PRODUCT: _product,
    PlaceEffect.ATTENTION: _attention,
    PlaceEffect.EINSUM: _einsum,
    PlaceEffect.GATES: _gated,
    PlaceEffect.ACROSS_CHANNELS: _across_channels,
}
