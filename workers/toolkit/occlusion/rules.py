"""How an operator propagates a changed region: where it lies in the output, and its values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_name
from workers.toolkit.occlusion.gather import Border, Cut, Delta, PixelTable, Place, enclosing_place
from workers.toolkit.occlusion.intervals import Spans, Taps, Windows, union
from workers.toolkit.occlusion.types import NodeValues


class CleanMaps(Protocol):
    """The maps of the clean image, as the engine keeps them."""

    def pixel_table(self, node: fx.Node, border: Border) -> PixelTable:
        """Return the pixels of a node's map with that border."""


@dataclass(frozen=True)
class Rule:
    """A pointwise operator, whose outputs depend on their own place only.

    It is also the base of the other rules. `sources` are the inputs that the image reaches, and
    `multiplications` are those per pixel of the output. A rule `moves` if windows lie
    elsewhere in the output than in the input.
    """

    node: fx.Node
    sources: tuple[fx.Node, ...]
    multiplications: int = 0
    moves: ClassVar[bool] = False

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        """Return the outputs that change along an axis, 0 for rows and 1 for columns."""
        return given[0]

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        """Return the windows of a batch in a map of that size; the spans (n, 2) are exact."""
        return given[0]

    def run(
        self, given: Sequence[Delta], place: Place, clean: NodeValues, maps: CleanMaps
    ) -> Tensor:
        """Return the values (n, C, h, w) in the windows."""
        values = {source: delta.values for source, delta in zip(self.sources, given, strict=True)}
        return cast("Tensor", call(self.node, values, clean))


@dataclass(frozen=True)
class Join(Rule):
    """A sum, product or concatenation of maps, each read in the union of their windows."""

    moves = True

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        return union(list(given))

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        return enclosing_place(rows, columns, size)

    def run(
        self, given: Sequence[Delta], place: Place, clean: NodeValues, maps: CleanMaps
    ) -> Tensor:
        alike = {
            source: delta.values
            if delta.place.same(place)
            else _cut_out(source, delta, place, maps)
            for source, delta in zip(self.sources, given, strict=True)
        }
        return cast("Tensor", call(self.node, alike, clean))


@dataclass(frozen=True)
class Shift(Rule):
    """Constant padding or an identity: the same values, which may lie elsewhere."""

    moves = True
    before: tuple[int, int] = (0, 0)

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        return given[0] + self.before[axis] * (given[0][:, :1] < given[0][:, 1:])

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        return Place(
            given[0].rows.shifted(self.before[0]), given[0].columns.shifted(self.before[1])
        )

    def run(
        self, given: Sequence[Delta], place: Place, clean: NodeValues, maps: CleanMaps
    ) -> Tensor:
        return given[0].values


@dataclass(frozen=True)
class Sliding(Rule):
    """A convolution or a pooling.

    `compute` maps crops and a stride to the output, without padding.
    """

    moves = True
    taps: tuple[Taps, Taps] = field(kw_only=True)
    border: Border = field(kw_only=True)
    compute: Callable[[Tensor, tuple[int, int]], Tensor] = field(kw_only=True)

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        return self.taps[axis].dirty(given[0])

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        return enclosing_place(rows, columns, size)

    def run(
        self, given: Sequence[Delta], place: Place, clean: NodeValues, maps: CleanMaps
    ) -> Tensor:
        rows, columns = self.taps
        stride = (rows.stride, columns.stride)
        if rows.kernel == columns.kernel == 1:
            # Behind a pad the windows lie elsewhere than in this map.
            if stride == (1, 1) and self.border == Border() and given[0].place.same(place):
                return self.compute(given[0].values, stride)
            cut = maps.pixel_table(self.sources[0], self.border).cut(
                given[0],
                Cut(place.rows.starts * stride[0], place.rows.size, stride[0]),
                Cut(place.columns.starts * stride[1], place.columns.size, stride[1]),
            )
            return self.compute(cut, (1, 1))
        cut = maps.pixel_table(self.sources[0], self.border).cut(
            given[0], _halo(place.rows, rows), _halo(place.columns, columns)
        )
        return self.compute(cut, stride)


@dataclass(frozen=True)
class GlobalMean(Rule):
    """A mean over all pixels: the clean mean and what the windows add to it.

    Its output has one place only.
    """

    area: int = 1
    keepdim: bool = True

    def run(
        self, given: Sequence[Delta], place: Place, clean: NodeValues, maps: CleanMaps
    ) -> Tensor:
        (source,), (delta,) = self.sources, given
        before = maps.pixel_table(source, Border()).clean(delta.place)
        added = (delta.values - before).sum((2, 3), keepdim=self.keepdim) / self.area
        return cast("Tensor", clean[self.node] + added)


def call(node: fx.Node, given: Mapping[fx.Node, Any], clean: NodeValues) -> Any:
    """Run the node's operator on these inputs; all others have their clean values."""
    target = node.target
    if operator_name(node) in ("view", "_unsafe_view"):
        # A pasted map is laid out channels last, whatever the clean one was.
        target = torch.ops.aten.reshape.default
    assert callable(target)

    def value(source: fx.Node) -> Any:
        return given[source] if source in given else clean[source]

    return target(*fx.map_arg(node.args, value), **fx.map_arg(node.kwargs, value))


def _cut_out(source: fx.Node, delta: Delta, place: Place, maps: CleanMaps) -> Tensor:
    rows, columns = (Cut(axis.starts, axis.size) for axis in (place.rows, place.columns))
    return maps.pixel_table(source, Border()).cut(delta, rows, columns)


def _halo(wanted: Windows, taps: Taps) -> Cut:
    return Cut(wanted.starts * taps.stride, (wanted.size - 1) * taps.stride + taps.reach + 1)
