"""Receptive fields: which input pixels a unit of a layer sees, for every operator of a graph.

The standard recurrence, per axis: a window of kernel k, stride s, padding p, dilation d takes a
field of size r, jump j and first pixel o to r + (k − 1)·d·j, j·s and o − p·j. Where branches
meet, the field is the union. Beside it goes what each unit sees exactly. A field is reported only
if it holds, at the borders too, everything that its units see.
"""

from dataclasses import dataclass, replace

from torch import fx

from workers.toolkit.network.constants import is_filled
from workers.toolkit.network.graph import (
    name_in_module,
    operator_info,
    operator_name,
    shape_of,
    tensor_inputs,
)
from workers.toolkit.network.map_axes import (
    becomes_channels_last,
    becomes_vector,
    joins_places,
    keeps_places,
    rows_and_columns,
)
from workers.toolkit.network.rectifier_patterns import find_rectifier
from workers.toolkit.network.regular_fields import (
    ReceptiveField,
    holds,
    regular_window,
    through_window,
    union_of_fields,
)
from workers.toolkit.network.seen_pixels import SeenPixels, reads, union, whole_image
from workers.toolkit.network.types import Pair


@dataclass(frozen=True)
class _Map:
    """A tensor laid out like the image, or with `vector` one that has no places any more.

    `reason` says in words why there is no regular field; it is empty if there is one.
    """

    field: ReceptiveField | None
    seen: SeenPixels
    reason: str = ""
    channels_last: bool = False
    vector: bool = False


_Maps = dict[fx.Node, _Map | str]
"""What is known of each node's output, or the reason why nothing is."""


def receptive_fields(graph: fx.Graph) -> dict[fx.Node, ReceptiveField | None]:
    """Return the field of every operator whose output is a map laid out like the image.

    The map is (C, H, W) or (H, W, C). The field is None where it is not regular, above all where
    each unit sees the whole image. Operators with another layout, and unknown ones, are left out,
    and so is everything that depends on them: no field is guessed.
    """
    return fields_and_reasons(graph)[0]


def seen_pixels(graph: fx.Graph) -> dict[fx.Node, SeenPixels]:
    """Return what the units of every map see, whether its field is regular or not."""
    return {node: found.seen for node, found in _maps(_analysed(graph)).items()}


def fields_and_reasons(
    graph: fx.Graph,
) -> tuple[dict[fx.Node, ReceptiveField | None], dict[fx.Node, str]]:
    """Return what `receptive_fields` returns, and for each operator without a field why."""
    analysed = _analysed(graph)
    maps = _maps(analysed)
    reasons = {
        node: found if isinstance(found, str) else found.reason or "The output has no places."
        for node, found in analysed.items()
    } | {node: _reason(found) for node, found in maps.items()}
    fields = {node: None if reasons[node] else found.field for node, found in maps.items()}
    return fields, {node: reason for node, reason in reasons.items() if reason}


def _maps(analysed: _Maps) -> dict[fx.Node, _Map]:
    """Return the outputs that are laid out like the image."""
    return {
        node: found
        for node, found in analysed.items()
        if isinstance(found, _Map) and not found.vector and len(shape_of(node) or ()) == 3
    }


def _reason(found: _Map) -> str:
    """Return why the map has no regular field; the empty string if it has one."""
    if found.field is None or holds(found.field, found.seen):
        return found.reason
    return "At the borders, mirrored padding shows units pixels outside of a regular field."


def _analysed(graph: fx.Graph) -> _Maps:
    maps: _Maps = {}
    weights: set[fx.Node] = set()  # operators that the image does not reach
    for node in graph.nodes:
        sources = [source for source in tensor_inputs(node) if source not in weights]
        if node.op == "placeholder":
            size = rows_and_columns(node)
            assert size is not None
            maps[node] = _Map(ReceptiveField((1, 1), (1, 1), (0, 0)), whole_image(size))
        elif node.op != "call_function":
            continue
        elif not sources or is_filled(node):
            weights.add(node)
        else:
            maps[node] = _found(node, sources, maps)
    return maps


def _found(node: fx.Node, sources: list[fx.Node], maps: _Maps) -> _Map | str:
    if rectifier := find_rectifier(node):  # perhaps of operators that are not known
        sources = [rectifier.source]
    given: list[_Map] = []
    for source in sources:
        one = maps.get(source, "The graph does not say what the output depends on.")
        if isinstance(one, str):
            return one
        given.append(one)
    if any(one.vector for one in given):
        return _of_vectors(node, given)
    first = given[0]
    mixed = any(one.channels_last != first.channels_last for one in given)
    if mixed or joins_places(node, first.channels_last):
        return _unknown(node)
    if operator_info(node).permutes_axes:
        last = becomes_channels_last(node, first.channels_last)
        return _unknown(node) if last is None else replace(first, channels_last=last)
    if rectifier or keeps_places(node, first.channels_last):
        return _at_same_place(node, sources, given)
    if first.channels_last:
        return _unknown(node)
    return _through(node, sources[0], first)


def _of_vectors(node: fx.Node, given: list[_Map]) -> _Map | str:
    """Keep a vector one until it is spread over places again, as by a gate.

    [C, 1, 1] is a map again, whose units see the whole image.
    """
    if not all(one.vector for one in given):
        return _unknown(node)
    shape = shape_of(node)
    is_map = shape is not None and len(shape) == 3 and shape[1:] == (1, 1)
    return replace(given[0], vector=not is_map)


def _at_same_place(node: fx.Node, sources: list[fx.Node], given: list[_Map]) -> _Map | str:
    """Return the union of maps, of which those of a single place are spread over all places."""
    last = given[0].channels_last
    size = rows_and_columns(node, last)
    if size is None:
        return _unknown(node)
    seen = union([one.seen for one in given], size)
    fields = [one.field for one in given if one.field is not None]
    reason = next((one.reason for one in given if one.reason), "")
    if not reason and {rows_and_columns(source, last) for source in sources} != {size}:
        reason = (
            f"A value that is spread over places is read at each of them by {name_in_module(node)}."
        )
    field = None if reason else union_of_fields(fields)
    if field is None and not reason:
        reason = f"Branches of different strides meet at {name_in_module(node)}."
    return _Map(field, seen, reason, last)


def _through(node: fx.Node, source: fx.Node, given: _Map) -> _Map | str:
    """Return the map behind a window, a pool, a padding or a mean over all places."""
    before, size = rows_and_columns(source), rows_and_columns(node)
    if before is None or becomes_vector(node):
        return _over_all(node, given, (1, 1), vector=True) if before else _unknown(node)
    read = None if size is None else reads(node, before, size)
    if size is None or (read is None and not _reads_all(node, size)):
        return _unknown(node)
    if read is None or (size == (1, 1) and operator_info(node).over_all):
        return _over_all(node, given, size)
    seen = given.seen.through(*read)
    window = regular_window(node, before, size)
    if window is None:
        return _Map(None, seen, given.reason or _irregular(node))
    return _Map(given.field and through_window(given.field, window), seen, given.reason)


def _reads_all(node: fx.Node, size: Pair) -> bool:
    if not operator_info(node).over_all or len(shape_of(node) or ()) != 3:
        return False
    return operator_name(node) != "mean" or size == (1, 1)


def _over_all(node: fx.Node, given: _Map, size: Pair, *, vector: bool = False) -> _Map:
    reason = f"Every unit sees all that the network sees of the image, by {name_in_module(node)}."
    return _Map(None, given.seen.everywhere(size), reason, vector=vector)


def _irregular(node: fx.Node) -> str:
    if operator_name(node) == "pad":
        return f"The borders of the map are joined by {name_in_module(node)}."
    return f"The windows of {name_in_module(node)} differ in size."


def _unknown(node: fx.Node) -> str:
    return f"Which pixels the output of {name_in_module(node)} depends on is not known."
