"""The incremental pass: the image once, then per batch only what each patch changes."""

import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import last_uses, operator_name
from workers.toolkit.occlusion.gather import Border, Cut, Delta, PixelTable, Place
from workers.toolkit.occlusion.intervals import Spans, Windows
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.rules import GlobalMean, call
from workers.toolkit.occlusion.types import Positions


class CleanPass:
    """One pass of the image (1, C, H, W) through a graph, with every activation."""

    def __init__(self, graph: fx.GraphModule, x: Tensor) -> None:
        self.values: dict[fx.Node, Any] = {}
        for node in graph.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = x
            elif node.op == "get_attr":
                self.values[node] = operator.attrgetter(str(node.target))(graph)
            elif node.op == "call_function":
                self.values[node] = call(node, {}, self.values)
        self._tables: dict[tuple[fx.Node, Border], PixelTable] = {}

    def pixel_table(self, node: fx.Node, border: Border) -> PixelTable:
        """Return the pixels of a node's map with that border."""
        key = (node, border)
        if key not in self._tables:
            self._tables[key] = PixelTable(self.values[node], border)
        return self._tables[key]


class Occluder:
    """Computes the output of a graph for one image under patches.

    The image is (1, C, H, W). Patches show `fill` (C, H, W).
    """

    def __init__(self, plan: Plan, clean: CleanPass, fill: Tensor) -> None:
        self._plan, self._clean = plan, clean
        self._fill = PixelTable(fill[None], Border())
        self._done_after = last_uses(plan.nodes)

    def outputs(self, positions: Positions) -> Tensor:
        """Return the output for each of these patches, (n, …)."""
        places = self._plan.places(positions)
        batch = _Batch(len(positions), self._clean)
        batch.values[self._plan.image] = self._patched(positions, places[self._plan.image])
        for node in self._plan.nodes:
            batch.values[node] = self._run(node, batch, places)
            for done in self._done_after.get(node, ()):
                if done is not self._plan.output:
                    batch.forget(done)
        output: Tensor = batch.whole(self._plan.output)
        return output

    def _patched(self, positions: Positions, place: Place) -> Delta:
        """Return the image's windows with the fill inside each patch."""
        itself = self._clean.pixel_table(self._plan.image, Border()).clean(place)
        rows, columns = self._plan.spans(self._plan.image, positions)
        down, across = _within(place.rows, rows), _within(place.columns, columns)
        inside = (down[:, :, None] & across[:, None, :])[:, None].to(itself.device)  # (n, 1, h, w)
        return Delta(torch.where(inside, self._fill.clean(place), itself), place)

    def _run(self, node: fx.Node, batch: "_Batch", places: dict[fx.Node, Place]) -> Any:
        if operator_name(node) == "sym_size" and node.args[1] == 0:
            return batch.size
        if node not in places:
            given = {
                source: batch.whole(source)
                for source in node.all_input_nodes
                if source in batch.values
            }
            return call(node, given, self._clean.values)
        rule = self._plan.rules[node]
        values = rule.run(
            [batch.values[source] for source in rule.sources],
            places[node],
            self._clean.values,
            self._clean,
        )
        return values if isinstance(rule, GlobalMean) else Delta(values, places[node])


class _Batch:
    """The values of one batch of positions: node → Delta, whole maps or vectors, or a size."""

    def __init__(self, size: int, clean: CleanPass) -> None:
        self.size = size
        self.values: dict[fx.Node, Any] = {}
        self._clean = clean
        self._pasted: dict[fx.Node, Tensor] = {}

    def whole(self, node: fx.Node) -> Any:
        """Return the node's value; windows are pasted into the clean map."""
        value = self.values[node]
        if not isinstance(value, Delta):
            return value
        if node not in self._pasted:
            height, width = self._clean.values[node].shape[2:]
            start = np.zeros(self.size, dtype=np.int64)
            table = self._clean.pixel_table(node, Border())
            self._pasted[node] = table.cut(value, Cut(start, height), Cut(start, width))
        return self._pasted[node]

    def forget(self, node: fx.Node) -> None:
        """Free the memory of a value that is not needed any more."""
        self.values.pop(node, None)
        self._pasted.pop(node, None)


def _within(windows: Windows, spans: Spans) -> Tensor:
    """Return whether each pixel of the windows lies in its span, (n, size)."""
    at = windows.starts[:, None] + np.arange(windows.size)
    return torch.from_numpy((at >= spans[:, :1]) & (at < spans[:, 1:]))
