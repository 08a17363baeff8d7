"""What an operator does to rows and columns of a map, as far as its arguments tell."""

from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info, operator_name, shape_of
from workers.toolkit.network.types import Pair


def keeps_places(node: fx.Node, channels_last: bool) -> bool:
    """Return whether each place of the output depends on the same place of the inputs only."""
    info = operator_info(node)
    if info.pointwise:
        return True
    if not channels_last:
        return info.rearranges_channels and _keeps_rows_and_columns(node)
    is_norm = operator_name(node) == "layer_norm"
    return info.pointwise_channels_last and (not is_norm or len(_ints(node.args[1])) == 1)


def joins_places(node: fx.Node, channels_last: bool) -> bool:
    """Return True for a concatenation along any axis but that of the channels."""
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    return operator_name(node) == "cat" and axis not in ((3, -1) if channels_last else (1, -3))


def becomes_channels_last(node: fx.Node, channels_last: bool) -> bool | None:
    """Return whether a permutation puts the channels last.

    Return None if it neither does that nor undoes it.
    """
    order = [axis % 4 for axis in _ints(node.args[1])]
    if order == [0, 2, 3, 1] and not channels_last:
        return True
    return False if order == [0, 3, 1, 2] and channels_last else None


def rows_and_columns(node: fx.Node, channels_last: bool = False) -> Pair | None:
    """Return the sizes of the axes of rows and columns; None if the output has none."""
    value = node.meta.get("val")
    first = value[0] if isinstance(value, list | tuple) and value else value
    if not isinstance(first, Tensor) or first.ndim < 3:
        return None
    height, width = first.shape[-3:-1] if channels_last else first.shape[-2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def becomes_vector(node: fx.Node) -> bool:
    """Return whether a map was pooled to one value for each channel, [C]."""
    return operator_info(node).flattens and len(shape_of(node) or ()) == 1


def _keeps_rows_and_columns(node: fx.Node) -> bool:
    """Return whether an operator that rearranges channels leaves the last two axes as they were."""
    source, allowed = node.args[0], operator_info(node).axes
    if not isinstance(source, fx.Node):
        return False
    swaps = operator_name(node) == "transpose"
    # Two axes are only swapped between groups and channels: (B, groups, C / groups, H, W).
    if swaps and _axes(source) != 5:
        return False
    if allowed is not None and not set(node.args[1 : 3 if swaps else 2]) <= allowed:
        return False
    return rows_and_columns(source) == rows_and_columns(node) is not None


def _axes(node: fx.Node) -> int:
    value = node.meta.get("val")
    return value.ndim if isinstance(value, Tensor) else 0


def _ints(value: object) -> list[int]:
    if isinstance(value, int):
        return [value]
    return [int(item) for item in value] if isinstance(value, list | tuple) else []
