"""Style transfer at one size: where it starts, and what it minimizes (Gatys et al. 2016)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.luminance import luminance, match_luminance
from workers.toolkit.images.picture import centre, crop_padding
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.images.recolour import match_colours
from workers.toolkit.network.network import Network
from workers.toolkit.optimization.bounded_lbfgs import BoundedLBFGS
from workers.toolkit.optimization.engine import History, Losses, Stage
from workers.toolkit.optimization.parametrization import (
    LuminanceOnly,
    Parametrization,
    Pixels,
    clip_pixels,
    luminance_bounds,
)
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
    published_content,
    published_style,
)

# Pairs of steps and gradients that L-BFGS remembers. Each is twice as large as the picture.
_LBFGS_HISTORY = 10
# Standard deviation of the noise to start from, in the network's units.
_NOISE_START = 0.2

Terms = dict[str, tuple[str, StyleTerm | ContentTerm]]
"""Name of the part → (layer, its term)"""


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of the loss."""

    content: float
    style: float
    tv: float
    palette: float


@dataclass(frozen=True)
class StyleTransferOptions:
    """What the stages of all sizes share.

    - `shares` are the weights of the styles, with sum 1.
    - `keep_colours` optimizes the luminance only.
    - `rate` is that of the optimizer, `lbfgs` or `adam`.
    - `frame` is the number of pixels beyond each edge that are optimized and then cut off.
    """

    recipe: Literal["gatys", "normalized"]
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    weights: Weights
    shares: Sequence[float]
    start: Literal["content", "noise", "style"]
    keep_colours: bool
    optimizer: Literal["lbfgs", "adam"]
    rate: float
    frame: int = 0

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers, each once."""
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))


@dataclass(frozen=True)
class StyleTransferStage:
    """The style transfer at one size.

    - `network_at` returns the network for inputs of (height, width).
    - `content` (1, C, H, W) in 0..1 includes the frame; `styles` have none.
    """

    network_at: Callable[[int, int], Network]
    preprocessing: Preprocessing
    content: Tensor
    styles: Sequence[Tensor]
    steps: int
    options: StyleTransferOptions

    def stage(self) -> Stage:
        """Return the stage for the engine."""
        height, width = self.without_frame(self.content).shape[2:]
        return Stage(
            self.steps,
            self._begin,
            self._objective,
            self._optimizer,
            after_step=clip_pixels,
            shown=self.without_frame,
            message=f"{width} × {height}",
        )

    def without_frame(self, picture: Tensor) -> Tensor:
        """Cut off the frame."""
        return crop_padding(picture, self.options.frame)

    def losses(self, picture: Tensor) -> dict[str, Tensor]:
        """Return the parts of the loss of a picture with its frame, by name."""
        weights = self.options.weights
        compared = self._compared(picture)
        features = self._features(compared, self.options.layers)
        parts = {name: term.loss(features[path]) for name, (path, term) in self._terms.items()}
        if weights.tv:
            variation = total_variation(compared).sum()
            parts["tv"] = weights.tv * variation / compared[0, 0].numel()
        if weights.palette:
            parts["palette"] = self._palette.loss(compared)
        return parts

    def _objective(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        return Losses(self.losses(picture))

    def _begin(self, history: History, generator: torch.Generator) -> Parametrization:
        made = self._parametrization(self._start(history, generator))
        made.clip()
        return made

    def _parametrization(self, start: Tensor) -> Pixels | LuminanceOnly:
        return (
            LuminanceOnly(start, self.content) if self.options.keep_colours else Pixels(start, 0, 1)
        )

    def _start(self, history: History, generator: torch.Generator) -> Tensor:
        """Return the first picture of this size, with its frame."""
        if history.previous is not None:
            return self._enlarged(history.previous)
        if self.options.start == "noise":
            noise = torch.randn(self.content.shape, generator=generator).to(self.content)
            return self.preprocessing.picture(_NOISE_START * noise)
        if self.options.start == "style":
            return resize_to_cover(self.styles[0], *self.content.shape[2:])
        return self._recoloured_content()

    def _enlarged(self, previous: Tensor) -> Tensor:
        """Enlarge the picture of the size before.

        Its frame becomes wider than this size's, and the rest is cut off.
        """
        small = self.without_frame(previous).shape[2:]
        large = self.without_frame(self.content).shape[2:]
        size = [
            round(side * to / of)
            for side, of, to in zip(previous.shape[2:], small, large, strict=True)
        ]
        enlarged = F.interpolate(previous, size, mode="bicubic", align_corners=False).clamp(0, 1)
        return centre(enlarged, *self.content.shape[2:])

    def _recoloured_content(self) -> Tensor:
        """Return the content, recoloured to the styles' palette if that is part of the loss.

        By gradients alone the colours would follow slowly.
        """
        if not self.options.weights.palette or self.options.keep_colours:
            return self.content
        return match_colours(self.content, self._palette.mean, self._palette.covariance)

    def _optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        rate = self.options.rate
        if self.options.optimizer == "adam":
            return torch.optim.Adam(parameters, lr=rate)
        if self.options.keep_colours:
            return BoundedLBFGS(parameters, rate, *luminance_bounds(self.content), _LBFGS_HISTORY)
        return BoundedLBFGS(parameters, rate, 0.0, 1.0, _LBFGS_HISTORY)

    def _compared(self, picture: Tensor) -> Tensor:
        """Return what is compared: the picture, or its luminance if the colours are kept."""
        return luminance(picture).expand_as(picture) if self.options.keep_colours else picture

    @cached_property
    def _compared_styles(self) -> list[Tensor]:
        """The styles as they are compared. Grey ones get the content's mean and contrast."""
        if not self.options.keep_colours:
            return list(self.styles)
        like = luminance(self.content)
        return [match_luminance(luminance(style), like).expand_as(style) for style in self.styles]

    def _features(self, picture: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        network = self.network_at(*picture.shape[2:])
        outputs = network.run_all(self.preprocessing.normalize(picture), layers)
        return dict(zip(layers, outputs, strict=True))

    @cached_property
    def _palette(self) -> Palette:
        return Palette.of(self._compared_styles, self.options.shares, self.options.weights.palette)

    @cached_property
    def _terms(self) -> Terms:
        """The terms of content and style, from the pictures that were sent."""
        with torch.no_grad():
            content = self._features(self._compared(self.content), self.options.layers)
            grams = self._grams()
        make = self._published if self.options.recipe == "gatys" else self._normalized
        return make(content, grams)

    def _grams(self) -> dict[str, Tensor]:
        """Return the blended Gram matrices of the styles by layer."""
        layers = self.options.layers
        # One style at a time: the features of all would take much memory.
        each = []
        for style in self._compared_styles:
            features = self._features(style, layers)
            each.append({path: gram(features[path]) for path in layers})
        return {
            path: blended([grams[path] for grams in each], self.options.shares) for path in layers
        }

    def _published(self, content: dict[str, Tensor], grams: dict[str, Tensor]) -> Terms:
        weights, terms = self.options.weights, Terms()
        for path in self.options.content_layers:
            terms[f"content {path}"] = path, published_content(content[path], weights.content)
        for path in self.options.style_layers:
            terms[f"style {path}"] = path, published_style(grams[path], weights.style)
        return terms

    def _normalized(self, content: dict[str, Tensor], grams: dict[str, Tensor]) -> Terms:
        options, terms = self.options, Terms()
        scales = {path: channel_scale(grams[path], content[path]) for path in options.layers}
        for path in options.content_layers:
            weight = options.weights.content / len(options.content_layers)
            terms[f"content {path}"] = path, normalized_content(content[path], scales[path], weight)
        for path in options.style_layers:
            weight = options.weights.style / len(options.style_layers)
            terms[f"style {path}"] = path, normalized_style(grams[path], scales[path], weight)
        return terms


def resize_to_cover(picture: Tensor, height: int, width: int) -> Tensor:
    """Resize a picture (1, C, H, W) until it covers (height, width); return its centre."""
    factor = max(height / picture.shape[2], width / picture.shape[3])
    size = [
        max(height, round(picture.shape[2] * factor)),
        max(width, round(picture.shape[3] * factor)),
    ]
    scaled = F.interpolate(
        picture, size, mode="bicubic", align_corners=False, antialias=True
    ).clamp(0, 1)
    return centre(scaled, height, width)
