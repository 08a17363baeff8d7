"""DeepDream (Mordvintsev et al. 2015): show more of what a network sees, from coarse to fine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.gradients import gradient_by_image
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.rectifiers import redirected
from workers.toolkit.optimization.engine import History, Losses, Stage
from workers.toolkit.optimization.objectives import TargetTerm, scores
from workers.toolkit.optimization.optimizers import NormalizedGradient
from workers.toolkit.optimization.parametrization import Parametrization, Pixels
from workers.toolkit.optimization.tiles import Offset, Tiles

_LEVELS = 255
# Tiles that differ by less at every pixel are taken for the same, in levels.
_SAME = 0.5
# Pixels of tiles in one pass: the passes of large pictures then fit into memory.
_PIXELS_AT_ONCE = 8 * 224**2

Size = tuple[int, int]
"""(height, width)"""


@dataclass(frozen=True)
class DeepDream:
    """The steps that turn a picture into one with more of the targets in it.

    - `network` takes one tile.
    - `sizes` are those of the octaves, in the order of work.
    - `rate` is what a step adds to the mean pixel, in levels of 0..255.
    - `jitter` is the largest random shift, in pixels; `overlap` that of the tiles.
    """

    network: Network
    preprocessing: Preprocessing
    terms: Sequence[TargetTerm]
    sizes: Sequence[Size]
    steps: int
    rate: float
    jitter: int
    overlap: int

    def tiles(self, height: int, width: int) -> Tiles:
        """Return the tiles of a picture of that size."""
        return Tiles(height, width, self.network.input_shape[1], self.overlap)

    def octave(
        self,
        index: int,
        base: Callable[[History], Tensor],
        message: str,
        keep: bool | Literal["levels"] = False,
    ) -> Stage:
        """Return the stage of one octave.

        It begins from the base (1, C, H, W), reduced to the octave's size, plus the detail that the
        octave before has added.
        """
        size = self.sizes[index]
        tiles = self.tiles(*size)

        def begin(history: History, generator: torch.Generator) -> Parametrization:
            whole = base(history)
            start = resized(whole, size)
            if index > 0:
                assert history.previous is not None
                detail = history.previous - resized(whole, self.sizes[index - 1])
                start = start + resized(detail, size)
            return Pixels(told_apart(start, tiles, generator), 0.0, 1.0)

        def objective(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            return self.answering_losses(picture, tiles, self._offset(tiles, generator))

        return Stage(
            self.steps,
            begin,
            objective,
            self._optimizer,
            after_step=_clip,
            keep=keep,
            message=message,
        )

    def losses(
        self, picture: Tensor, tiles: Tiles, offset: Offset, rule: Rule | None = None
    ) -> Losses:
        """Return each term's loss, −weight · scale · score, as the mean over tiles.

        The gradient of their sum (1, C, H, W) is joined from the gradients of the tiles, which are
        computed in batches.
        """
        runner = BatchRunner(lambda batch: self._tile_losses(batch, rule))
        parts, gradients = [], []
        for batch in self._batches(tiles.cut(picture.detach(), offset)):
            for losses, gradient in runner.run_pieces(batch):
                parts.append(losses)
                gradients.append(gradient)
        means = torch.cat(parts, 1).mean(1)
        named = {term.name: loss for term, loss in zip(self.terms, means, strict=True)}
        return Losses(named, tiles.join(torch.cat(gradients), offset))

    def answering_losses(self, picture: Tensor, tiles: Tiles, offset: Offset) -> Losses:
        """Return the losses; terms that are silent in all tiles get a redirected gradient.

        A term is silent where rectifiers leave it no gradient.
        """
        losses = self.losses(picture, tiles, offset)
        assert losses.gradient is not None
        if not bool(losses.gradient.any()):
            return self.losses(picture, tiles, offset, redirected)
        silent = [
            term
            for term in self.terms
            if len(self.terms) > 1 and term.weight > 0 and not bool(losses.parts[term.name].any())
        ]
        dream = replace(self, terms=silent)
        if not silent or not dream.is_silent(picture, tiles, offset):
            return losses
        woken = dream.losses(picture, tiles, offset, redirected)
        assert woken.gradient is not None
        return Losses(losses.parts, losses.gradient + woken.gradient)

    def is_silent(self, picture: Tensor, tiles: Tiles, offset: Offset = (0, 0)) -> bool:
        """Return whether the terms together have no gradient at a picture (1, C, H, W)."""
        losses = self.losses(picture, tiles, offset)
        return losses.gradient is not None and not bool(losses.gradient.any())

    def silent_terms(self, picture: Tensor) -> list[TargetTerm]:
        """Return the terms of positive weight that have no gradient at a picture (1, C, H, W)."""
        tiles = self.tiles(*picture.shape[2:])
        sought = [term for term in self.terms if term.weight > 0]
        return [t for t in sought if replace(self, terms=[t]).is_silent(picture, tiles)]

    @torch.no_grad()
    def scores(self, picture: Tensor) -> list[float]:
        """Return each term's score of a picture (1, C, H, W), the mean over unshifted tiles."""
        runner = BatchRunner(
            lambda batch: scores(self.network, self.terms, self.preprocessing.normalize(batch))
        )
        results: list[Tensor] = []
        for batch in self._batches(self.tiles(*picture.shape[2:]).cut(picture)):
            results += runner.run_pieces(batch)
        return [float(score) for score in torch.cat(results, 1).mean(1)]

    def _tile_losses(self, tiles: Tensor, rule: Rule | None) -> tuple[Tensor, Tensor]:
        """Return losses (terms, B) and the gradient of their sum: (B, C, side, side) for both."""
        tiles = tiles.detach().requires_grad_()
        factors = tiles.new_tensor([term.weight * term.scale for term in self.terms])[:, None]
        with torch.enable_grad():
            x = self.preprocessing.normalize(tiles)
            losses = -(factors * scores(self.network, self.terms, x, rule))
            gradient = gradient_by_image(losses, tiles)
        return losses.detach(), gradient

    def _offset(self, tiles: Tiles, generator: torch.Generator) -> Offset:
        """Draw the corner of the first tile.

        A single tile in a row is shifted by the jitter at most, one of several by half the picture.
        """
        if not self.jitter:
            return 0, 0
        most_down = self.jitter if tiles.rows == 1 else tiles.height // 2
        most_right = self.jitter if tiles.columns == 1 else tiles.width // 2
        return _draw(most_down, generator), _draw(most_right, generator)

    def _optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return NormalizedGradient(parameters, lr=self.rate / _LEVELS)

    def _batches(self, tiles: Tensor) -> tuple[Tensor, ...]:
        length = max(1, _PIXELS_AT_ONCE // tiles[0, 0].numel())
        batches: tuple[Tensor, ...] = torch.split(tiles, length)
        return batches


@torch.no_grad()
def told_apart(picture: Tensor, tiles: Tiles, generator: torch.Generator) -> Tensor:
    """Return the picture (1, C, H, W) with noise of one level wherever two tiles are the same.

    In such tiles, of a plain background say, the same motif would grow, at the distance of the
    tiles. A picture without them is returned as it is, and nothing is drawn.
    """
    cut = tiles.cut(picture)
    means, twins = cut.mean((1, 2, 3)), torch.zeros(tiles.count, 1, 1, 1, dtype=torch.bool)
    for first, second in combinations(range(tiles.count), 2):
        # Means tell most pairs apart at once.
        near = abs(float(means[first] - means[second])) < _SAME / _LEVELS
        if near and float((cut[first] - cut[second]).abs().max()) < _SAME / _LEVELS:
            twins[[first, second]] = True
    if not bool(twins.any()):
        return picture
    noise = torch.randn(picture.shape, generator=generator).to(picture) / _LEVELS
    places = tiles.join(twins.to(cut).expand_as(cut)) > 0
    return torch.where(places, (picture + noise).clamp(0, 1), picture)


def resized(picture: Tensor, size: Size) -> Tensor:
    """Resize pictures (B, C, H, W). Detail, which may be negative, stays so."""
    if tuple(picture.shape[2:]) == tuple(size):
        return picture
    smaller = size[0] < picture.shape[2]
    return F.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=smaller)


def octave_sizes(height: int, width: int, count: int, scale: float) -> list[Size]:
    """Return the sizes of the octaves, the smallest first, the picture's own last."""
    factors = [scale**-i for i in reversed(range(count))]
    return [(max(2, round(height * factor)), max(2, round(width * factor))) for factor in factors]


def _draw(most: int, generator: torch.Generator) -> int:
    return int(torch.randint(-most, most + 1, (1,), generator=generator))


def _clip(parametrization: Parametrization, step: int) -> None:
    assert isinstance(parametrization, Pixels)
    parametrization.clip()
