"""A classifier that can be run up to any layer, with ReLUs that follow a rule."""

from collections.abc import Callable, Sequence
from functools import cached_property
from math import isfinite

import torch
from torch import Tensor, fx, nn

from workers.toolkit.errors import NotExportable, OneSizeOnly
from workers.toolkit.network.folding import Folded, Folding, fold
from workers.toolkit.network.graph import export_graph, operator_name, shape_of
from workers.toolkit.network.layers import Layers, layer_outputs
from workers.toolkit.network.precision import probe_inputs, without_tf32
from workers.toolkit.network.rectifiers import is_rectifier, rectifier_range

LOGITS = ""

Rule = Callable[[Tensor, float], Tensor]
"""A ReLU: (input, upper bound) → output, with a backward pass of its own."""


_MOST_PARTS = 64
_MOST_SIZES = 12
_FOLDING_ERROR = (
    1e-5  # of the largest output: about what another batch size does in single precision
)
_WEIGHTED = frozenset(
    {"conv1d", "conv2d", "conv3d", "conv_transpose2d", "linear", "addmm", "matmul", "mm"}
)


class Network:
    """A frozen model at one input size. `LOGITS` (the empty path) names its output."""

    def __init__(
        self,
        module: nn.Module,
        channels: int,
        height: int,
        width: int,
        graph: fx.GraphModule | None = None,
    ) -> None:
        # Convolutions on CPU run about twice as fast on this layout; results agree to rounding.
        self.module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.input_shape = (channels, height, width)
        self.passes = 0  # batches that were sent through the network, or a part of it
        self._sizes: dict[tuple[int, int], Network] = {}
        self._parts: dict[object, fx.GraphModule] = {}
        self._graph = graph
        self._folded = Folded()

    @cached_property
    def whole(self) -> fx.GraphModule:
        """The complete graph. Raises NotExportable."""
        return self._graph or export_graph(self.module, *self.input_shape)

    @cached_property
    def layers(self) -> Layers:
        return layer_outputs(self.whole.graph)

    @cached_property
    def folding(self) -> Folding:
        """Measured at first use. Batch norms are folded only where the error is below 1e-5."""
        folded, plain = self._cut((LOGITS,), None), self._cut((LOGITS,), None)
        count = fold(folded, self._folded)
        if not count:
            return Folding(0, 0.0)
        x = probe_inputs(self.input_shape).to(next(self.module.parameters()))
        with (
            torch.no_grad(),
            without_tf32(),
        ):  # with TF32, each would be off by more than they differ
            (before,), (after,) = plain(x), folded(x)
            error = float((after - before).abs().max() / before.abs().max())
        if error < _FOLDING_ERROR:
            return Folding(count, error)
        self._folded = Folded()
        return Folding(0, error if isfinite(error) else None)

    @cached_property
    def rounding(self) -> float | None:
        """By how much TF32 moves an output, by the largest one; 0 where it is not used. None for what is not finite."""
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
        """(B, C, H, W) → (B, classes)."""
        return self.run(x, LOGITS)

    def run(self, x: Tensor, path: str, rule: Rule | None = None) -> Tensor:
        """The output of one layer; nothing behind it is computed."""
        return self.run_all(x, (path,), rule)[0]

    def run_all(
        self, x: Tensor, paths: tuple[str, ...], rule: Rule | None = None
    ) -> tuple[Tensor, ...]:
        """The outputs of several layers from one pass; nothing behind the last of them is computed."""
        self.passes += 1
        outputs: tuple[Tensor, ...] = self.part(paths, rule)(
            x.contiguous(memory_format=torch.channels_last)
        )
        return outputs

    def part(self, paths: tuple[str, ...], rule: Rule | None = None) -> fx.GraphModule:
        """The graph that ends at those layers, built once per choice and rule.

        A batch norm is folded into the convolution before it unless that is one of those layers.
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
        """Output shape of a layer for one image: (C,) or (C, H, W)."""
        return shape_of(self.layers[path]) or ()

    def layer_channels(self, path: str) -> int:
        """Channels of a layer; classes of the output."""
        return self.layer_shape(path)[0] if path else (shape_of(self._node(path)) or (0,))[0]

    def parameter(self, node: object) -> Tensor:
        """The parameter that a node of the graph stands for."""
        assert isinstance(node, fx.Node) and node.op == "get_attr"
        value = self.whole
        for name in str(node.target).split("."):
            value = getattr(value, name)
        assert isinstance(value, Tensor)
        return value.detach()

    def operators(self, path: str) -> list[fx.Node]:
        """Everything in the whole graph that makes that layer's output, first to last."""
        needed = _ancestors(self._node(path))
        return [node for node in self.whole.graph.nodes if node in needed]

    def rectifiers(self, path: str) -> list[fx.Node]:
        """The ReLU-like operators that the image passes on its way to that layer."""
        seen = filter(is_rectifier, self.operators(path))
        return [node for node in seen if not _ancestors(node).isdisjoint(self._inputs)]

    def at(self, height: int, width: int) -> "Network":
        """The same module for inputs of another size, its graph made once per size. Raises OneSizeOnly."""
        if (height, width) == self.input_shape[1:]:
            return self
        if (height, width) not in self._sizes:
            if len(self._sizes) >= _MOST_SIZES:
                self._sizes.pop(next(iter(self._sizes)))
            self._sizes[height, width] = self._resized(height, width)
        return self._sizes[height, width]

    def _resized(self, height: int, width: int) -> "Network":
        resized = Network(self.module, self.input_shape[0], height, width)
        resized.folding, resized._folded = self.folding, self._folded
        try:
            resized.whole  # noqa: B018 — to see whether it can be made
        except NotExportable as error:
            own = f"{self.input_shape[2]} × {self.input_shape[1]}"
            raise OneSizeOnly(
                f"This model runs on {own} pixels only, not on {width} × {height}."
            ) from error
        return resized

    def kernels(self, path: str) -> list[fx.Node]:
        """The weights of the convolutions and linear layers that make that layer's output, first to last."""
        weighted = [node for node in self.operators(path) if operator_name(node) in _WEIGHTED]
        direct = [
            source
            for node in weighted
            for source in node.all_input_nodes
            if source.op == "get_attr"
        ]
        return [node for node in direct if self.parameter(node).ndim > 1]  # no biases

    def with_parameter(self, node: fx.Node, value: Tensor) -> "Network":
        """A network that has that value in place of one parameter, and shares all others with this one."""
        graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
        graph.output(graph.graph_copy(self.whole.graph, copies))
        sibling = fx.GraphModule(self.whole, graph)
        owner, _, name = str(node.target).rpartition(".")
        setattr(sibling.get_submodule(owner), name, nn.Parameter(value, requires_grad=False))
        made = self.with_graph(sibling)
        made._folded = self._folded.without(str(node.target))
        return made

    def with_graph(self, graph: fx.GraphModule) -> "Network":
        """A network of another graph over the same parameters."""
        made = Network(graph, *self.input_shape, graph=graph)
        made.folding, made._folded = self.folding, self._folded
        return made

    @property
    def _inputs(self) -> list[fx.Node]:
        return [node for node in self.whole.graph.nodes if node.op == "placeholder"]

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    def _node(self, path: str) -> fx.Node:
        return self.layers[path] if path else _output(self.whole.graph)

    def _cut(self, paths: tuple[str, ...], rule: Rule | None) -> fx.GraphModule:
        needed = set().union(*(_ancestors(self._node(path)) for path in paths))
        graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
        for node in self.whole.graph.nodes:
            if node in needed or node.op == "placeholder":
                copies[node] = graph.node_copy(node, copies.__getitem__)
                if rule and is_rectifier(node):
                    copies[node].target = rule
                    copies[node].args = (copies[node.all_input_nodes[0]], rectifier_range(node))
                    copies[node].kwargs = {}
        graph.output(tuple(copies[self._node(path)] for path in paths))
        return fx.GraphModule(self.whole, graph)


def _output(graph: fx.Graph) -> fx.Node:
    result = next(node for node in graph.nodes if node.op == "output").args[0]
    while isinstance(result, Sequence):
        result = result[0]
    assert isinstance(result, fx.Node)
    return result


def _ancestors(node: fx.Node) -> set[fx.Node]:
    """The node and everything that it depends on, parameters included."""
    found, open_nodes = {node}, [node]
    while open_nodes:
        for source in open_nodes.pop().all_input_nodes:
            if source not in found:
                found.add(source)
                open_nodes.append(source)
    return found
