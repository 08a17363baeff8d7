"""The incremental pass itself: the image once, then batch by batch only what each patch changes."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_name
from workers.toolkit.occlusion.gather import Border, Cut, Delta, Pixels, Place
from workers.toolkit.occlusion.intervals import Spans, Windows
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.rules import GlobalMean, call
from workers.toolkit.occlusion.schedule import Positions


class CleanPass:
    """The image (1, C, H, W) run once through a graph; keeps every activation."""

    def __init__(self, graph: fx.GraphModule, x: Tensor) -> None:
        self.values: dict[fx.Node, Any] = {}
        for node in graph.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = x
            elif node.op == "get_attr":
                self.values[node] = _attribute(graph, str(node.target))
            elif node.op == "call_function":
                self.values[node] = call(node, {}, self.values)
        self._pixels: dict[tuple[fx.Node, Border], Pixels] = {}

    def pixels(self, node: fx.Node, border: Border) -> Pixels:
        """The map of a node, for cutting pieces out of it."""
        key = (node, border)
        if key not in self._pixels:
            self._pixels[key] = Pixels(self.values[node], border)
        return self._pixels[key]


class Occluder:
    """The output of a graph for one image (1, C, H, W) under patches that show `fill` (C, H, W)."""

    def __init__(self, plan: Plan, clean: CleanPass, fill: Tensor) -> None:
        self._plan, self._clean = plan, clean
        self._fill = Pixels(fill[None], Border())
        self._last_use = _last_uses(plan)

    def outputs(self, positions: Positions) -> Tensor:
        """The output for each of these patches, (n, …)."""
        places = self._plan.places(positions)
        batch = _Batch(len(positions), self._clean)
        batch.found[self._plan.image] = self._patched(positions, places[self._plan.image])
        for node in self._plan.nodes:
            batch.found[node] = self._run(node, batch, places)
            for done in self._last_use.get(node, ()):
                batch.forget(done)
        output: Tensor = batch.whole(self._plan.output)
        return output

    def _patched(self, positions: Positions, place: Place) -> Delta:
        """The image: the fill within each patch, itself in what else the windows show."""
        itself = self._clean.pixels(self._plan.image, Border()).clean(place)
        rows, columns = self._plan.spans(self._plan.image, positions)
        down, across = (
            _within(axis, span) for axis, span in ((place.rows, rows), (place.columns, columns))
        )
        inside = (down[:, :, None] & across[:, None, :])[:, None].to(itself.device)  # (n, 1, h, w)
        return Delta(torch.where(inside, self._fill.clean(place), itself), place)

    def _run(self, node: fx.Node, batch: "_Batch", places: dict[fx.Node, Place]) -> Any:
        if operator_name(node) == "sym_size" and node.args[1] == 0:
            return batch.size
        if node not in places:
            given = {
                source: batch.whole(source)
                for source in node.all_input_nodes
                if source in batch.found
            }
            return call(node, given, self._clean.values)
        rule = self._plan.rules[node]
        values = rule.run(
            [batch.found[source] for source in rule.sources],
            places[node],
            self._clean.values,
            self._clean,
        )
        return values if isinstance(rule, GlobalMean) else Delta(values, places[node])


class _Batch:
    """What is known of one batch of positions: node → Delta, a tensor of whole maps or vectors, or a size."""

    def __init__(self, size: int, clean: CleanPass) -> None:
        self.size = size
        self.found: dict[fx.Node, Any] = {}
        self._clean = clean
        self._pasted: dict[fx.Node, Tensor] = {}

    def whole(self, node: fx.Node) -> Any:
        """The node's value with its windows pasted into the clean map."""
        value = self.found[node]
        if not isinstance(value, Delta):
            return value
        if node not in self._pasted:
            height, width = self._clean.values[node].shape[2:]
            start = np.zeros(self.size, dtype=np.int64)
            pixels = self._clean.pixels(node, Border())
            self._pasted[node] = pixels.cut(value, Cut(start, height), Cut(start, width))
        return self._pasted[node]

    def forget(self, node: fx.Node) -> None:
        self.found.pop(node, None)
        self._pasted.pop(node, None)


def _within(windows: Windows, spans: Spans) -> Tensor:
    """(n, size): whether each pixel of the windows lies in the span."""
    at = windows.starts[:, None] + np.arange(windows.size)
    return torch.from_numpy((at >= spans[:, :1]) & (at < spans[:, 1:]))


def _last_uses(plan: Plan) -> dict[fx.Node, list[fx.Node]]:
    """Node → the nodes that are not needed after it."""
    last: dict[fx.Node, fx.Node] = {}
    for node in plan.nodes:
        last |= dict.fromkeys([*node.all_input_nodes, node], node)
    last.pop(plan.output, None)
    done: dict[fx.Node, list[fx.Node]] = {}
    for source, node in last.items():
        done.setdefault(node, []).append(source)
    return done


def _attribute(owner: fx.GraphModule, path: str) -> Any:
    value: Any = owner
    for name in path.split("."):
        value = getattr(value, name)
    return value
