"""What a grid of patches changes in every map of a graph: exact spans per axis, and windows for a batch of positions.

Depends on graph, size of the input and grid only, not on the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, fx

from workers.toolkit.occlusion.gather import Place, place
from workers.toolkit.occlusion.intervals import Spans
from workers.toolkit.occlusion.operators import find_rule
from workers.toolkit.occlusion.rules import GlobalMean, Rule, Values

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom
Places = dict[fx.Node, Place]

COVERED = 0.85  # a window that covers more of its map than this is pasted, and all behind it are whole maps


@dataclass(frozen=True)
class Reach:
    """A map, and the part of it that each row span and each column span of the grid changes."""

    height: int
    width: int
    channels: int
    spans: tuple[Spans, Spans]  # (distinct rows of the grid, 2), (distinct columns, 2)


class Plan:
    """The graph's rules, the reach of every patch in every map, and where the windows of a batch lie.

    `graph` ends in a tuple of one output. `clean` holds the value of every node for some image (1, C, H, W).
    """

    def __init__(self, graph: fx.Graph, clean: Values, patches: Sequence[Rectangle]) -> None:
        corners = np.array(patches, dtype=np.int64).reshape(-1, 4)
        columns, self.column_of = np.unique(corners[:, [0, 2]], axis=0, return_inverse=True)
        rows, self.row_of = np.unique(corners[:, [1, 3]], axis=0, return_inverse=True)
        self.image = next(node for node in graph.nodes if node.op == "placeholder")
        self.output: fx.Node = next(node for node in graph.nodes if node.op == "output").args[0][0]
        self.nodes = _reached(graph, self.image)
        self.rules: dict[fx.Node, Rule] = {}
        self.reach: dict[fx.Node, Reach] = {self.image: _reach(clean[self.image], (rows, columns))}
        for node in self.nodes:
            self._understand(node, clean)

    def _understand(self, node: fx.Node, clean: Values) -> None:
        sources = tuple(
            source
            for source in node.all_input_nodes
            if source is self.image or source in self.nodes
        )
        rule = (
            find_rule(node, sources, clean)
            if all(source in self.reach for source in sources)
            else None
        )
        if rule is None:
            return
        self.rules[node] = rule
        if not isinstance(rule, GlobalMean):
            given = [self.reach[source].spans for source in sources]
            rows, columns = (rule.dirty(axis, [spans[axis] for spans in given]) for axis in (0, 1))
            self.reach[node] = _reach(clean[node], (rows, columns))

    def places(self, positions: NDArray[np.int64]) -> Places:
        """Node → where its windows lie for these positions; a node that is left out is run on whole maps."""
        image = self.reach[self.image]
        found: Places = {
            self.image: place(*self.spans(self.image, positions), (image.height, image.width))
        }
        for node, rule in self.rules.items():
            given = [found[source] for source in rule.sources if source in found]
            if len(given) < len(rule.sources):
                continue
            if not rule.moves:
                found[node] = given[0]
                continue
            reach = self.reach[node]
            windows = rule.place(given, *self.spans(node, positions), (reach.height, reach.width))
            if windows.area <= COVERED * reach.height * reach.width:
                found[node] = windows
        return found

    def spans(self, node: fx.Node, positions: NDArray[np.int64]) -> tuple[Spans, Spans]:
        """Exactly what each of these positions changes in a map: rows (n, 2) and columns (n, 2)."""
        rows, columns = self.reach[node].spans
        return rows[self.row_of[positions]], columns[self.column_of[positions]]


def _reached(graph: fx.Graph, image: fx.Node) -> dict[fx.Node, None]:
    """The operators that the image has an influence on, in their order; sizes of batches among them."""
    found: dict[fx.Node, None] = {}
    for node in graph.nodes:
        if node.op == "call_function" and any(
            source is image or source in found for source in node.all_input_nodes
        ):
            found[node] = None
    return found


def _reach(value: Tensor, spans: tuple[Spans, Spans]) -> Reach:
    _, channels, height, width = value.shape
    return Reach(height, width, channels, spans)
