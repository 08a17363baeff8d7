"""What the patches of a grid change in every map of a graph.

Per axis, the changed spans are exact; a batch of positions gets windows that hold them. All of it
depends on the graph, the size of the input and the grid, not on the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, fx

from workers.toolkit.occlusion.gather import Place, enclosing_place
from workers.toolkit.occlusion.intervals import Spans
from workers.toolkit.occlusion.operators import find_rule
from workers.toolkit.occlusion.rules import GlobalMean, Rule
from workers.toolkit.occlusion.types import WHOLE_MAP_SHARE, NodeValues, Positions, Rectangle

Places = dict[fx.Node, Place]
"""Node → the windows of a batch in its map."""


@dataclass(frozen=True)
class MapChange:
    """The size of a map, and the spans that each distinct row and column of the grid changes."""

    height: int
    width: int
    spans: tuple[Spans, Spans]  # (distinct rows of the grid, 2), (distinct columns, 2)


class Plan:
    """The rules of a graph's operators, and what every patch changes in every map.

    `graph` ends in a tuple of one output. `clean` holds the value of every node for some image
    (1, C, H, W).
    """

    def __init__(self, graph: fx.Graph, clean: NodeValues, patches: Sequence[Rectangle]) -> None:
        corners = np.array(patches, dtype=np.int64).reshape(-1, 4)
        columns, self.column_of = np.unique(corners[:, [0, 2]], axis=0, return_inverse=True)
        rows, self.row_of = np.unique(corners[:, [1, 3]], axis=0, return_inverse=True)
        self.image = next(node for node in graph.nodes if node.op == "placeholder")
        self.output: fx.Node = next(node for node in graph.nodes if node.op == "output").args[0][0]
        self.nodes = _reached(graph, self.image)
        self.rules: dict[fx.Node, Rule] = {}
        self.changes: dict[fx.Node, MapChange] = {
            self.image: _map_change(clean[self.image], (rows, columns))
        }
        for node in self.nodes:
            self._add_rule(node, clean)

    def _add_rule(self, node: fx.Node, clean: NodeValues) -> None:
        """Find the node's rule and what changes in its map, if there is a rule for its inputs."""
        sources = tuple(
            source
            for source in node.all_input_nodes
            if source is self.image or source in self.nodes
        )
        if not all(source in self.changes for source in sources):
            return
        rule = find_rule(node, sources, clean)
        if rule is None:
            return
        self.rules[node] = rule
        if not isinstance(rule, GlobalMean):
            given = [self.changes[source].spans for source in sources]
            rows, columns = (rule.dirty(axis, [spans[axis] for spans in given]) for axis in (0, 1))
            self.changes[node] = _map_change(clean[node], (rows, columns))

    def places(self, positions: Positions) -> Places:
        """Return the windows of these positions in each map.

        A node that is left out must be run on whole maps.
        """
        image = self.changes[self.image]
        spans = self.spans(self.image, positions)
        found: Places = {self.image: enclosing_place(*spans, (image.height, image.width))}
        for node, rule in self.rules.items():
            given = [found[source] for source in rule.sources if source in found]
            if len(given) < len(rule.sources):
                continue
            if not rule.moves:
                found[node] = given[0]
                continue
            change = self.changes[node]
            size = (change.height, change.width)
            windows = rule.place(given, *self.spans(node, positions), size)
            if windows.area <= WHOLE_MAP_SHARE * change.height * change.width:
                found[node] = windows
        return found

    def spans(self, node: fx.Node, positions: Positions) -> tuple[Spans, Spans]:
        """Return exactly what each of these positions changes in a map: rows and columns (n, 2)."""
        rows, columns = self.changes[node].spans
        return rows[self.row_of[positions]], columns[self.column_of[positions]]


def _reached(graph: fx.Graph, image: fx.Node) -> dict[fx.Node, None]:
    """Return the operators that depend on the image, in their order, batch sizes included."""
    found: dict[fx.Node, None] = {}
    for node in graph.nodes:
        if node.op == "call_function" and any(
            source is image or source in found for source in node.all_input_nodes
        ):
            found[node] = None
    return found


def _map_change(value: Tensor, spans: tuple[Spans, Spans]) -> MapChange:
    height, width = value.shape[2:]
    return MapChange(height, width, spans)
