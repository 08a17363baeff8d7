"""What becomes of a change in an operator: where it reaches, and the values there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_name
from workers.toolkit.occlusion.gather import Border, Cut, Delta, Pixels, Place, place
from workers.toolkit.occlusion.intervals import Spans, Taps, Windows, union

Values = Mapping[fx.Node, Any]
"""Node → its value for the clean image; parameters and sizes included."""


class Pieces(Protocol):
    """Clean maps, as the engine keeps them."""

    def pixels(self, node: fx.Node, border: Border) -> Pixels: ...


@dataclass(frozen=True)
class Rule:
    """Pointwise: every output depends on its own place only. The base of the other rules; axis 0: rows, 1: columns."""

    node: fx.Node
    sources: tuple[fx.Node, ...]  # the inputs that the image reaches
    multiplications: int = 0  # per pixel of the output
    moves: ClassVar[bool] = False  # windows lie elsewhere in the output than in the input

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        return given[0]

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        """Where the windows of a batch lie in a map of that size; the spans (n, 2) are exact."""
        return given[0]

    def run(self, given: Sequence[Delta], place: Place, clean: Values, pieces: Pieces) -> Tensor:
        """The values (n, C, h, w) in the windows."""
        values = {source: delta.values for source, delta in zip(self.sources, given, strict=True)}
        return cast("Tensor", call(self.node, values, clean))


@dataclass(frozen=True)
class Join(Rule):
    """Sums, products and concatenations of maps, each wanted in the union of their windows."""

    moves = True

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        return union(list(given))

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        return place(rows, columns, size)

    def run(self, given: Sequence[Delta], place: Place, clean: Values, pieces: Pieces) -> Tensor:
        alike = {
            source: delta.values
            if delta.place.same(place)
            else _cut_out(source, delta, place, pieces)
            for source, delta in zip(self.sources, given, strict=True)
        }
        return cast("Tensor", call(self.node, alike, clean))


@dataclass(frozen=True)
class Shift(Rule):
    """Constant padding, or nothing at all: the same values, which may lie elsewhere."""

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

    def run(self, given: Sequence[Delta], place: Place, clean: Values, pieces: Pieces) -> Tensor:
        return given[0].values


@dataclass(frozen=True)
class Sliding(Rule):
    """A convolution or a pool."""

    moves = True
    taps: tuple[Taps, Taps] = field(kw_only=True)
    border: Border = field(kw_only=True)
    compute: Callable[[Tensor, tuple[int, int]], Tensor] = field(
        kw_only=True
    )  # (pieces, stride), without padding

    def dirty(self, axis: int, given: Sequence[Spans]) -> Spans:
        return self.taps[axis].dirty(given[0])

    def place(
        self, given: Sequence[Place], rows: Spans, columns: Spans, size: tuple[int, int]
    ) -> Place:
        return place(rows, columns, size)

    def run(self, given: Sequence[Delta], place: Place, clean: Values, pieces: Pieces) -> Tensor:
        rows, columns = self.taps
        stride = (rows.stride, columns.stride)
        if rows.kernel == columns.kernel == 1:
            # Behind a pad the windows lie elsewhere than in this map.
            if stride == (1, 1) and self.border == Border() and given[0].place.same(place):
                return self.compute(given[0].values, stride)
            cut = pieces.pixels(self.sources[0], self.border).cut(
                given[0],
                Cut(place.rows.starts * stride[0], place.rows.size, stride[0]),
                Cut(place.columns.starts * stride[1], place.columns.size, stride[1]),
            )
            return self.compute(cut, (1, 1))
        cut = pieces.pixels(self.sources[0], self.border).cut(
            given[0], _halo(place.rows, rows), _halo(place.columns, columns)
        )
        return self.compute(cut, stride)


@dataclass(frozen=True)
class GlobalMean(Rule):
    """The mean over all pixels: the clean one and what the windows add. Its output has no places any more."""

    area: int = 1
    keepdim: bool = True

    def run(self, given: Sequence[Delta], place: Place, clean: Values, pieces: Pieces) -> Tensor:
        (source,), (delta,) = self.sources, given
        before = pieces.pixels(source, Border()).clean(delta.place)
        added = (delta.values - before).sum((2, 3), keepdim=self.keepdim) / self.area
        return cast("Tensor", clean[self.node] + added)


def call(node: fx.Node, given: Mapping[fx.Node, Any], clean: Values) -> Any:
    """The node's operator on these inputs, all others as they are for the clean image."""
    target = node.target
    if operator_name(node) in (
        "view",
        "_unsafe_view",
    ):  # what was pasted is channels last, whatever it was before
        target = torch.ops.aten.reshape.default
    assert callable(target)
    value = lambda source: given[source] if source in given else clean[source]  # noqa: E731
    return target(*fx.map_arg(node.args, value), **fx.map_arg(node.kwargs, value))


def _cut_out(source: fx.Node, delta: Delta, place: Place, pieces: Pieces) -> Tensor:
    rows, columns = (Cut(axis.starts, axis.size) for axis in (place.rows, place.columns))
    return pieces.pixels(source, Border()).cut(delta, rows, columns)


def _halo(wanted: Windows, taps: Taps) -> Cut:
    return Cut(wanted.starts * taps.stride, (wanted.size - 1) * taps.stride + taps.reach + 1)
