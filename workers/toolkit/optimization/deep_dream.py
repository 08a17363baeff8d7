"""DeepDream (Mordvintsev et al. 2015): a picture climbs towards what a network sees in it, from coarse to fine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.execution.memory import Pieces
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.rectifiers import redirected
from workers.toolkit.optimization.engine import Losses, Stage
from workers.toolkit.optimization.objectives import WeightedObjective, scores
from workers.toolkit.optimization.optimizers import NormalizedGradient
from workers.toolkit.optimization.parametrization import Parametrization, Pixels
from workers.toolkit.optimization.tiles import Offset, Tiles

_LEVELS = 255
_PIXELS_AT_ONCE = 8 * 224**2  # bounds the memory that one pass takes
Size = tuple[int, int]


@dataclass(frozen=True)
class DeepDream:
    """How a picture is turned into a dream. `sizes` are those of the octaves, in the order of work."""

    network: Network  # sees one tile
    preprocessing: Preprocessing
    aims: Sequence[WeightedObjective]
    sizes: Sequence[Size]
    steps: int
    rate: float  # of the mean pixel, in levels of 0..255
    jitter: int
    overlap: int

    def tiles(self, height: int, width: int) -> Tiles:
        return Tiles(height, width, self.network.input_shape[1], self.overlap)

    def octave(
        self,
        index: int,
        base: Callable[[], Tensor],
        message: str,
        keep: bool | Literal["levels"] = False,
    ) -> Stage:
        """From `base()` at its size, with the detail that the octave before has added to it."""

        def begin(previous: Tensor | None, generator: torch.Generator) -> Parametrization:
            whole, size = base(), self.sizes[index]
            start = resized(whole, size)
            if index > 0:
                assert previous is not None
                start = start + resized(previous - resized(whole, self.sizes[index - 1]), size)
            return Pixels(start, 0.0, 1.0)

        return Stage(
            self.steps,
            begin,
            self._loss,
            self._optimizer,
            after_step=_clip,
            keep=keep,
            message=message,
        )

    @torch.no_grad()
    def scores(self, picture: Tensor) -> list[float]:
        """What each target answers to the picture (1, C, H, W): the mean over its tiles, which lie where they may."""
        cut = self.tiles(*picture.shape[2:]).cut(picture)
        look = Pieces(
            lambda some: scores(self.network, self.aims, self.preprocessing.normalize(some))
        )
        answers = [answer for some in self._portions(cut) for answer in look(some)]
        return [float(answer) for answer in torch.cat(answers, 1).mean(1)]

    def ascent(
        self, picture: Tensor, offset: Offset, rule: Rule | None = None
    ) -> tuple[Tensor, Tensor]:
        """Weighted scores, (aims,), the mean over tiles; and the direction in which they rise, (1, C, H, W)."""
        tiles = self.tiles(*picture.shape[2:])
        climb = Pieces(lambda some: self._climb(some, rule))
        climbs = [
            one
            for some in self._portions(tiles.cut(picture.detach(), offset))
            for one in climb(some)
        ]
        values, gradients = zip(*climbs, strict=True)
        return torch.cat(values, 1).mean(1), tiles.join(torch.cat(gradients), offset)

    def _loss(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        offset = self._offset(self.tiles(*picture.shape[2:]), generator)
        values, ascent = self.ascent(picture, offset)
        if not bool(ascent.any()):  # all rectifiers on the way are off
            values, ascent = self.ascent(picture, offset, redirected)
        first, *others = (-value for value in values)
        losses = [_Known.apply(picture, first, -ascent), *others]
        return {aim.name: loss for aim, loss in zip(self.aims, losses, strict=True)}

    def _climb(self, tiles: Tensor, rule: Rule | None) -> tuple[Tensor, Tensor]:
        """(B, C, side, side) → weighted scores (aims, B), gradient of their sum (B, C, side, side)."""
        tiles = tiles.detach().requires_grad_()
        factors = tiles.new_tensor([aim.weight * aim.scale for aim in self.aims])[:, None]
        with torch.enable_grad():
            values = factors * scores(
                self.network, self.aims, self.preprocessing.normalize(tiles), rule
            )
            (fall,) = torch.autograd.grad(
                -values.sum(), tiles
            )  # of a loss, as redirected rectifiers need to know
        return values.detach(), -fall

    def _offset(self, tiles: Tiles, generator: torch.Generator) -> Offset:
        """Where the first tile lies: a single one moves by the jitter, one of several by anything."""
        if not self.jitter:
            return 0, 0
        ranges = [
            self.jitter if count == 1 else length // 2
            for count, length in ((tiles.rows, tiles.height), (tiles.columns, tiles.width))
        ]
        down, across = (
            int(torch.randint(-most, most + 1, (1,), generator=generator)) for most in ranges
        )
        return down, across

    def _optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return NormalizedGradient(parameters, lr=self.rate / _LEVELS)

    def _portions(self, tiles: Tensor) -> tuple[Tensor, ...]:
        portions: tuple[Tensor, ...] = torch.split(
            tiles, max(1, _PIXELS_AT_ONCE // tiles[0, 0].numel())
        )
        return portions


class _Known(torch.autograd.Function):
    """A value whose gradient with respect to the picture has been found already, portion by portion."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0], None, None


def resized(picture: Tensor, size: Size) -> Tensor:
    """(B, C, H, W) → that height and width; detail may be negative, and stays so."""
    if tuple(picture.shape[2:]) == tuple(size):
        return picture
    smaller = size[0] < picture.shape[2]
    return F.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=smaller)


def octave_sizes(height: int, width: int, count: int, scale: float) -> list[Size]:
    """The smallest first; the last is the picture's own."""
    factors = [scale**-i for i in reversed(range(count))]
    return [(max(2, round(height * factor)), max(2, round(width * factor))) for factor in factors]


def _clip(parametrization: Parametrization, step: int) -> None:
    assert isinstance(parametrization, Pixels)
    parametrization.clip()
