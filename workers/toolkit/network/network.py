"""A classifier that can be run up to any layer, with ReLUs that follow a rule."""

import operator
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from math import isfinite

import torch
from torch import Tensor, fx, nn

from workers.toolkit.errors import NotExportable, OneSizeOnly
from workers.toolkit.network.constants import input_dependent
from workers.toolkit.network.folding import Folded, Folding, fold
from workers.toolkit.network.gradient_reach import with_gradient
from workers.toolkit.network.graph import export_graph, operator_info, shape_of
from workers.toolkit.network.hidden_rectifiers import hidden_rectifiers
from workers.toolkit.network.layers import (
    Layers,
    canonical,
    insert_map,
    layer_outputs,
    prove_layouts,
)
from workers.toolkit.network.optimizations import ALL, Optimizations
from workers.toolkit.network.precision import probe_inputs, without_tf32
from workers.toolkit.network.rectifier_patterns import find_rectifier, is_rectifier
from workers.toolkit.network.resizing import quiet_torch, resize_part
from workers.toolkit.network.returned_tensors import needed_by

LOGITS = ""
"""The empty path names the network's output."""

Rule = Callable[[Tensor, float], Tensor]
"""A ReLU with a backward pass of its own: (input, upper bound) → output."""

# torch.export is not thread-safe, and all threads must get the same graph.
_EXPORTING = threading.Lock()

_MOST_PARTS = 64
_MOST_SIZES = 12
# Relative to the largest output: about what another batch size changes in single precision.
_FOLDING_ERROR = 1e-5


class Network:
    """A frozen model at one input size (channels, height, width)."""

    def __init__(
        self,
        module: nn.Module,
        channels: int,
        height: int,
        width: int,
        graph: fx.GraphModule | None = None,
        optimizations: Optimizations = ALL,
    ) -> None:
        self.module = optimizations.arrange_parameters(module.eval().requires_grad_(False))
        self.input_shape = (channels, height, width)
        self.optimizations = optimizations
        self.passes = 0  # batches that ran through the network, or a part of it
        self.unlisted: dict[str, str] = {}  # reasons by layer
        self._sizes: dict[tuple[int, int, tuple[str, ...]], Network] = {}
        self._parts: dict[object, fx.GraphModule] = {}
        self._rectifiers: dict[str, list[fx.Node]] = {}
        self._hidden_rectifiers: dict[str, list[fx.Node]] = {}
        self._graph = graph
        self._headless = False  # the graph ends at some layers
        self._folded = Folded()
        self._rounding: tuple[float | None] | None = None

    def export(self) -> fx.GraphModule:
        """Export the complete graph of the module, once. Raises NotExportable."""
        with _EXPORTING:
            if self._graph is None:
                graph = export_graph(self.module, *self.input_shape)
                prove_layouts(graph, self.input_shape)
                self._graph = graph
            return self._graph

    @property
    def whole(self) -> fx.GraphModule:
        """The complete graph. Raises NotExportable."""
        return self._graph or self.export()

    @cached_property
    def layers(self) -> Layers:
        """The layers whose outputs can be read, by their paths."""
        found = layer_outputs(self.whole.graph)
        return {path: node for path, node in found.items() if path not in self.unlisted}

    def unlist(self, path: str, reason: str) -> None:
        """Take a layer from the list, since what the graph has for it is not what it returns."""
        self.unlisted[path] = reason
        self.layers.pop(path, None)

    @cached_property
    def _with_gradient(self) -> set[fx.Node]:
        return with_gradient(self.whole.graph)

    def has_gradient(self, path: str) -> bool:
        """Return whether the layer's gradient with respect to the image exists."""
        return self._node(path) in self._with_gradient

    @cached_property
    def folding(self) -> Folding:
        """How many batch norms are folded: all, if the error is below 1e-5, or none."""
        if not self.optimizations.folded_batch_norm:
            return Folding(0, None)
        folded, plain = self._cut((LOGITS,), None), self._cut((LOGITS,), None)
        count = fold(folded, self._folded)
        if not count:
            return Folding(0, 0.0)
        x = probe_inputs(self.input_shape).to(next(self.module.parameters()))
        # With TF32, each output would be off by more than the two differ.
        with torch.no_grad(), without_tf32():
            (before,), (after,) = plain(x), folded(x)
            error = float((after - before).abs().max() / before.abs().max())
        if error < _FOLDING_ERROR:
            return Folding(count, error)
        self._folded = Folded()
        return Folding(0, error if isfinite(error) else None)

    @property
    def left_out(self) -> list[str]:
        """The optimizations without which this network runs, since they would change results."""
        unfolded = self.folding.folded == 0 and self.folding.error != 0.0
        names = {
            "channels_last": not self.optimizations.channels_last,
            "folded_batch_norm": unfolded,
            "single_images": not self.optimizations.single_images,
        }
        return [name for name, is_left_out in names.items() if is_left_out]

    def measure_rounding(self) -> float | None:
        """Return by how much TF32 changes an output, relative to the largest output.

        The first call measures it; nothing else may compute meanwhile. Return 0 if TF32 is not
        used, and None if the outputs are not finite.
        """
        if self._rounding is None:
            self._rounding = (self._measured_rounding(),)
        return self._rounding[0]

    def _measured_rounding(self) -> float | None:
        if self.device.type != "cuda" or not torch.backends.cudnn.allow_tf32:
            return 0.0
        x = probe_inputs(self.input_shape).to(next(self.module.parameters()))
        with torch.no_grad():
            rounded = self.logits(x)
            with without_tf32():
                exact = self.logits(x)
        error = float((rounded - exact).abs().max() / exact.abs().max())
        return error if isfinite(error) else None

    @property
    def folded_bytes(self) -> int:
        """Memory of the folded weights, which are held beside those of the module."""
        return sum(tensor.nbytes for tensor in self._folded.tensors)

    def logits(self, x: Tensor) -> Tensor:
        """Return the network's output: (B, C, H, W) → (B, classes)."""
        return self.run(x, LOGITS)

    def run(self, x: Tensor, path: str, rule: Rule | None = None) -> Tensor:
        """Return the output of one layer, (B, C) or (B, C, H, W); nothing behind it is computed."""
        return self.run_all(x, (path,), rule)[0]

    def run_all(
        self, x: Tensor, paths: tuple[str, ...], rule: Rule | None = None
    ) -> tuple[Tensor, ...]:
        """Return the outputs of several layers from one pass, which ends at the last of them."""
        outputs = self.run_uncut(x, paths, rule)
        return tuple(out[:1] for out in outputs) if self.optimizations.doubles(x) else outputs

    def run_uncut(
        self, x: Tensor, paths: tuple[str, ...], rule: Rule | None = None
    ) -> tuple[Tensor, ...]:
        """Return the same, by each of which one can differentiate a later one.

        Without `single_images`, all have the rows of a copy behind that of an image that is alone.
        """
        self.passes += 1
        part = self.part(paths, rule)
        batch = torch.cat([x, x]) if self.optimizations.doubles(x) else x
        outputs: tuple[Tensor, ...] = part(self.optimizations.arrange(batch))
        return outputs

    def part(self, paths: tuple[str, ...], rule: Rule | None = None) -> fx.GraphModule:
        """Return the graph that ends at those layers, built once per choice and rule.

        A batch norm is folded into the convolution before it unless that is one of the layers.
        """
        key = (paths, rule)
        if key not in self._parts:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.pop(next(iter(self._parts)))
            made = self._cut(paths, rule)
            if self.folding.folded:
                fold(made, self._folded)
            self._parts[key] = made
        return self._parts[key]

    def layer_shape(self, path: str) -> tuple[int, ...]:
        """Return the output shape of a layer for one image: (C,) or (C, H, W).

        The path LOGITS names the network's output.
        """
        node = self._node(path)
        if not path:
            return shape_of(node) or ()
        return tuple(map(int, canonical(node, node.meta["val"]).shape[1:]))

    def canonical(self, path: str, output: Tensor) -> Tensor:
        """Return what the layer's module returned as (B, C) or (B, C, H, W).

        Tokens in front of the grid, such as a class token, are left out.
        """
        return canonical(self.layers[path], output) if path else output

    def layer_channels(self, path: str) -> int:
        """Return the number of channels of a layer, or of classes of the output."""
        return self.layer_shape(path)[0] if path else (shape_of(self._node(path)) or (0,))[0]

    def parameter(self, node: object) -> Tensor:
        """Return the parameter that a node of the graph reads."""
        assert isinstance(node, fx.Node) and node.op == "get_attr"
        value = operator.attrgetter(str(node.target))(self.whole)
        assert isinstance(value, Tensor)
        return value.detach()

    def operators(self, path: str) -> list[fx.Node]:
        """Return the nodes that compute the layer's output, first to last."""
        needed = needed_by([self._node(path)])
        return [node for node in self.whole.graph.nodes if node in needed]

    def rectifiers(self, path: str) -> list[fx.Node]:
        """Return the ReLU-like operators that the image passes on its way to the layer."""
        if path not in self._rectifiers:
            self._rectifiers[path] = [
                node
                for node in filter(is_rectifier, self.operators(path))
                if node in self._dependent
            ]
        return self._rectifiers[path]

    def hidden_rectifiers(self, path: str) -> list[fx.Node]:
        """Return the operators before the layer that work as ReLU and are not recognized.

        The first call for a layer runs the network on noise.
        """
        if path not in self._hidden_rectifiers:
            x = probe_inputs(self.input_shape).to(next(self.module.parameters()))
            self._hidden_rectifiers[path] = hidden_rectifiers(self.whole, x, self.operators(path))
        return self._hidden_rectifiers[path]

    def at(self, height: int, width: int, paths: tuple[str, ...] = (LOGITS,)) -> "Network":
        """Return the same module for inputs of another size. Raises OneSizeOnly.

        Where the module as a whole takes one size only, the result ends at the layers `paths`,
        if these take the other size. Each is made once.
        """
        if (height, width) == self.input_shape[1:]:
            return self
        key = (height, width, paths)
        if key not in self._sizes:
            if len(self._sizes) >= _MOST_SIZES:
                self._sizes.pop(next(iter(self._sizes)))
            self._sizes[key] = self._resized(*key)
        return self._sizes[key]

    def _resized(self, height: int, width: int, paths: tuple[str, ...]) -> "Network":
        if LOGITS in paths:
            return self._whole_at(height, width)
        try:
            return self.at(height, width)
        except OneSizeOnly:
            part = self._cut(paths, None)
            shape = (self.input_shape[0], height, width)
            if not resize_part(part, self.module, paths, shape, self.canonical):
                raise
        resized = Network(
            self.module,
            self.input_shape[0],
            height,
            width,
            graph=part,
            optimizations=self.optimizations,
        )
        resized.folding, resized._folded = self.folding, self._folded
        resized.unlisted = self.unlisted
        resized._headless = True
        return resized

    def _whole_at(self, height: int, width: int) -> "Network":
        resized = Network(
            self.module, self.input_shape[0], height, width, optimizations=self.optimizations
        )
        resized.folding, resized._folded = self.folding, self._folded
        resized.unlisted = self.unlisted
        try:
            with quiet_torch():
                resized.export()
        except NotExportable as error:
            own = f"{self.input_shape[2]} × {self.input_shape[1]}"
            raise OneSizeOnly(
                f"This model runs on {own} pixels only, not on {width} × {height}."
            ) from error
        return resized

    def kernels(self, path: str) -> list[fx.Node]:
        """Return the parameters that make the layer's output, first to last, without biases.

        They are the weights of convolutions and linear layers. Of weights that are computed, as by
        weight norm, it is the largest parameter that they are computed from.
        """
        weighted = [
            node
            for node in self.operators(path)
            if operator_info(node).weighted and node in self._dependent
        ]
        sources = [source for node in weighted for source in node.all_input_nodes]
        found = [self._kernel(source) for source in sources]
        return [kernel for kernel in found if kernel is not None]

    def _kernel(self, source: fx.Node) -> fx.Node | None:
        if source in self._dependent:
            return None
        parameters = [node for node in needed_by([source]) if node.op == "get_attr"]
        matrices = [node for node in parameters if self.parameter(node).ndim > 1]
        return max(matrices, key=lambda node: self.parameter(node).nbytes, default=None)

    def with_parameter(self, node: fx.Node, value: Tensor) -> "Network":
        """Return a network with another value of one parameter; all others are shared."""
        graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
        graph.output(graph.graph_copy(self.whole.graph, copies))
        sibling = fx.GraphModule(self.whole, graph)
        owner, _, name = str(node.target).rpartition(".")
        setattr(sibling.get_submodule(owner), name, nn.Parameter(value, requires_grad=False))
        made = self.with_graph(sibling)
        made._folded = self._folded.without(str(node.target))
        return made

    def with_graph(self, graph: fx.GraphModule) -> "Network":
        """Return a network of another graph over the same parameters."""
        made = Network(graph, *self.input_shape, graph=graph, optimizations=self.optimizations)
        made.folding, made._folded = self.folding, self._folded
        made._headless = self._headless
        made.unlisted = self.unlisted
        return made

    @cached_property
    def _dependent(self) -> set[fx.Node]:
        return input_dependent(self.whole.graph)

    @property
    def device(self) -> torch.device:
        """The device that the parameters are on."""
        return next(self.module.parameters()).device

    def _node(self, path: str) -> fx.Node:
        if not path and self._headless:
            _, height, width = self.input_shape
            raise OneSizeOnly(f"The classes of this model do not take {width} × {height} pixels.")
        if not path:
            return _output(self.whole.graph)
        if path not in self.layers:
            _, height, width = self.input_shape
            raise OneSizeOnly(
                f"At {width} × {height} pixels, {path!r} is not proved to be a map of places. "
                "Choose another size or another layer."
            )
        return self.layers[path]

    def _cut(self, paths: tuple[str, ...], rule: Rule | None) -> fx.GraphModule:
        needed = set().union(*(needed_by([self._node(path)]) for path in paths))
        read = {self._node(path) for path in paths if path}
        graph, copies, maps = fx.Graph(), dict[fx.Node, fx.Node](), dict[fx.Node, fx.Node]()
        for node in self.whole.graph.nodes:
            if node in needed or node.op == "placeholder":
                copies[node] = graph.node_copy(node, copies.__getitem__)
                if rule and (rectifier := find_rectifier(node)):
                    copies[node].target = rule
                    copies[node].args = (copies[rectifier.source], rectifier.upper)
                    copies[node].kwargs = {}
            if node in read:
                maps[node], copies[node] = insert_map(graph, node, copies[node])
        nodes = [self._node(path) for path in paths]
        graph.output(tuple(maps.get(node, copies[node]) for node in nodes))
        return fx.GraphModule(self.whole, graph)


def _output(graph: fx.Graph) -> fx.Node:
    result = next(node for node in graph.nodes if node.op == "output").args[0]
    while isinstance(result, Sequence):
        result = result[0]
    assert isinstance(result, fx.Node)
    return result
