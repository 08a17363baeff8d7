"""One size of a style transfer: what a stage begins with, and what it pays for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.luminance import LuminanceOnly, luminance, match_luminance
from workers.toolkit.images.picture import centre, crop_padding
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.images.recolour import match_colours
from workers.toolkit.network.network import Network
from workers.toolkit.optimization.engine import Losses, Stage
from workers.toolkit.optimization.optimizers import ScaledLBFGS
from workers.toolkit.optimization.parametrization import Parametrization, Pixels
from workers.toolkit.optimization.regularizers import total_variation
from workers.toolkit.optimization.style import (
    ContentTerm,
    Palette,
    StyleTerm,
    blended,
    channel_scale,
    gram,
    normalized_content,
    normalized_style,
    outside,
    published_content,
    published_style,
)

_HISTORY = 10  # pairs that L-BFGS remembers; each is twice as large as the picture
_GRAIN = 0.2  # of noise, in the network's units

Terms = dict[str, tuple[str, StyleTerm | ContentTerm]]  # name of the part → layer, its loss


@dataclass(frozen=True)
class Weights:
    content: float
    style: float
    tv: float
    palette: float


@dataclass(frozen=True)
class StyleTransferStage:
    """Pictures are (1, C, H, W) in 0..1. `network_at` gives the network for (height, width).

    `content` is framed: `frame` pixels at each edge are painted, and are not part of the picture.
    """

    network_at: Callable[[int, int], Network]
    preprocessing: Preprocessing
    content: Tensor
    styles: Sequence[Tensor]
    shares: Sequence[float]
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    recipe: str
    weights: Weights
    start: str
    keep_colours: bool
    optimizer: str
    rate: float
    steps: int
    frame: int = 0

    def stage(self) -> Stage:
        height, width = self.picture(self.content).shape[2:]
        message = f"{width} × {height}"
        return Stage(
            self.steps,
            self._begin,
            self._loss,
            self._optimizer,
            shown=self.picture,
            message=message,
        )

    def picture(self, painted: Tensor) -> Tensor:
        """What is painted, without its frame."""
        return crop_padding(painted, self.frame)

    def losses(self, picture: Tensor) -> Losses:
        """The parts that this picture pays, by name."""
        seen = self._seen(picture)
        features = self._features(seen, self._layers)
        parts = {name: term.loss(features[path]) for name, (path, term) in self._terms.items()}
        if self.weights.tv:
            parts["tv"] = self.weights.tv * total_variation(seen).sum() / seen[0, 0].numel()
        if self.weights.palette:
            parts["palette"] = self._palette.loss(seen)
            parts["outside"] = outside(picture)
        return parts

    def _loss(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        return self.losses(picture)

    def _begin(self, previous: Tensor | None, generator: torch.Generator) -> Parametrization:
        height, width = self.content.shape[2:]
        if previous is not None:
            start = self._enlarged(previous)
        elif self.start == "noise":
            grain = torch.randn(self.content.shape, generator=generator).to(self.content)
            start = self.preprocessing.picture(_GRAIN * grain)
        else:
            start = (
                self._repainted()
                if self.start == "content"
                else resize_to_cover(self.styles[0], height, width)
            )
        return LuminanceOnly(start, self.content) if self.keep_colours else Pixels(start)

    def _enlarged(self, previous: Tensor) -> Tensor:
        """What was painted at a smaller size; its frame becomes wider than ours, and the rest of it is cut off."""
        small, large = self.picture(previous).shape[2:], self.picture(self.content).shape[2:]
        size = [
            round(had * b / a) for had, a, b in zip(previous.shape[2:], small, large, strict=True)
        ]
        enlarged = F.interpolate(previous, size, mode="bicubic", align_corners=False).clamp(0, 1)
        return centre(enlarged, *self.content.shape[2:])

    def _repainted(self) -> Tensor:
        """The content; where colours count, in the styles' ones: gradients alone would be slow to bring them."""
        if not self.weights.palette or self.keep_colours:
            return self.content
        return match_colours(self.content, self._palette.mean, self._palette.covariance)

    def _optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        if self.optimizer == "adam":
            return torch.optim.Adam(parameters, lr=self.rate)
        # No tolerance: a step that changes little is still a step.
        options: dict[str, Any] = {"tolerance_grad": 0, "tolerance_change": 0}
        return ScaledLBFGS(parameters, self.rate, max_iter=1, history_size=_HISTORY, **options)

    def _seen(self, picture: Tensor) -> Tensor:
        """What is compared: the picture, or its grey."""
        return luminance(picture).expand_as(picture) if self.keep_colours else picture

    @cached_property
    def _models(self) -> list[Tensor]:
        """The styles as they are compared: grey ones have the content's mean and contrast."""
        if not self.keep_colours:
            return list(self.styles)
        like = luminance(self.content)
        return [match_luminance(luminance(style), like).expand_as(style) for style in self.styles]

    @property
    def _layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))

    def _features(self, picture: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        outputs = self.network_at(*picture.shape[2:]).run_all(
            self.preprocessing.normalize(picture), layers
        )
        return dict(zip(layers, outputs, strict=True))

    @cached_property
    def _palette(self) -> Palette:
        return Palette.of(self._models, self.shares, self.weights.palette)

    @cached_property
    def _terms(self) -> Terms:
        """Content and style of every layer, from the pictures that were sent."""
        with torch.no_grad():
            content = self._features(self._seen(self.content), self._layers)
            grams = self._grams()
        make = self._published if self.recipe == "gatys" else self._normalized
        return make(content, grams)

    def _grams(self) -> dict[str, Tensor]:
        """The styles' mixed Gram matrices, one style's features at a time."""
        each = []
        for style in self._models:
            features = self._features(style, self._layers)
            each.append({path: gram(features[path]) for path in self._layers})
        return {
            path: blended([grams[path] for grams in each], self.shares) for path in self._layers
        }

    def _published(self, content: dict[str, Tensor], grams: dict[str, Tensor]) -> Terms:
        terms: Terms = {}
        for path in self.content_layers:
            terms[f"content {path}"] = path, published_content(content[path], self.weights.content)
        for path in self.style_layers:
            terms[f"style {path}"] = path, published_style(grams[path], self.weights.style)
        return terms

    def _normalized(self, content: dict[str, Tensor], grams: dict[str, Tensor]) -> Terms:
        terms: Terms = {}
        scales = {path: channel_scale(grams[path], content[path]) for path in self._layers}
        for path in self.content_layers:
            weight = self.weights.content / len(self.content_layers)
            terms[f"content {path}"] = path, normalized_content(content[path], scales[path], weight)
        for path in self.style_layers:
            weight = self.weights.style / len(self.style_layers)
            terms[f"style {path}"] = path, normalized_style(grams[path], scales[path], weight)
        return terms


def resize_to_cover(picture: Tensor, height: int, width: int) -> Tensor:
    """The picture enlarged until it covers that size, and its centre cut out."""
    factor = max(height / picture.shape[2], width / picture.shape[3])
    size = [
        max(height, round(picture.shape[2] * factor)),
        max(width, round(picture.shape[3] * factor)),
    ]
    scaled = F.interpolate(
        picture, size, mode="bicubic", align_corners=False, antialias=True
    ).clamp(0, 1)
    return centre(scaled, height, width)
