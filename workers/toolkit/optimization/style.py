"""The terms of a style transfer's loss, each for one layer or for the colours.

Some have the form of Gatys et al. 2016, some a normalized form for any network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# A channel's power counts as at least this part of the mean channel's.
_LEAST_POWER = 0.05
_TINY = 1e-12


def gram(features: Tensor) -> Tensor:
    """Return the Gram matrix F Fᵀ / (H · W): (1, C, H, W) → (C, C)."""
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def blended(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Return Σ share · value.

    For shares of sum 1, Σ share · ‖G − A‖² and ‖G − Σ share · A‖² have the same gradient.
    """
    return torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum(0)


def channel_scale(style: Tensor, content: Tensor) -> Tensor:
    """Return 1 / root mean square of each channel, over the styles and the content.

    The styles are given by their Gram matrix (C, C), the content by its features (1, C, H, W).
    The result is (C,).
    """
    power = (style.diagonal() + content.square().mean((0, 2, 3))) / 2
    return (power + _LEAST_POWER * power.mean()).clamp(min=_TINY).rsqrt()


@dataclass(frozen=True)
class StyleTerm:
    """The loss factor · ‖s sᵀ ∘ (G − A)‖².

    `target` is A (C, C), `scale` is s (C,).
    """

    target: Tensor
    factor: Tensor | float
    scale: Tensor | None = None

    def loss(self, features: Tensor) -> Tensor:
        """Return the loss of features (1, C, H, W)."""
        difference = gram(features) - self.target
        if self.scale is not None:
            difference = difference * self.scale[:, None] * self.scale
        return self.factor * difference.square().sum()


@dataclass(frozen=True)
class ContentTerm:
    """The loss factor · ‖s ∘ (F − P)‖².

    `target` is P (1, C, H, W), `scale` is s (C,).
    """

    target: Tensor
    factor: Tensor | float
    scale: Tensor | None = None

    def loss(self, features: Tensor) -> Tensor:
        """Return the loss of features (1, C, H, W)."""
        difference = features - self.target
        if self.scale is not None:
            difference = difference * self.scale[:, None, None]
        return self.factor * difference.square().sum()


def published_style(target: Tensor, weight: float) -> StyleTerm:
    """Return weight · 1000/n² · mean (G − A)², for n channels."""
    channels = len(target)
    return StyleTerm(target, weight * 1000 / channels**2 / channels**2)


def published_content(target: Tensor, weight: float) -> ContentTerm:
    """Return weight · mean (F − P)²."""
    return ContentTerm(target, weight / target.numel())


def normalized_style(target: Tensor, scale: Tensor, weight: float) -> StyleTerm:
    """Return weight · ‖s sᵀ ∘ (G − A)‖² / ‖s sᵀ ∘ A‖²."""
    size = (target * scale[:, None] * scale).square().sum()
    return StyleTerm(target, weight / size.clamp(min=_TINY), scale)


def normalized_content(target: Tensor, scale: Tensor, weight: float) -> ContentTerm:
    """Return weight · ‖s ∘ (F − P)‖² / ‖s ∘ P‖²."""
    size = (target * scale[:, None, None]).square().sum()
    return ContentTerm(target, weight / size.clamp(min=_TINY), scale)


@dataclass(frozen=True)
class Palette:
    """The loss weight · (‖μ − μ'‖² + ‖Σ − Σ'‖² / ‖Σ'‖) of a picture's colours.

    `mean` is μ' (C,), `covariance` Σ' (C, C).
    """

    mean: Tensor
    covariance: Tensor
    weight: float

    @classmethod
    def of(cls, pictures: Sequence[Tensor], shares: Sequence[float], weight: float) -> "Palette":
        """Mix the colours of pictures (1, C, H, W) in these shares."""
        mean = blended([picture[0].flatten(1).mean(1) for picture in pictures], shares)
        second = blended([gram(picture) for picture in pictures], shares)
        return cls(mean, second - torch.outer(mean, mean), weight)

    def loss(self, picture: Tensor) -> Tensor:
        """Return the loss of a picture (1, C, H, W)."""
        mean = picture[0].flatten(1).mean(1)
        difference = gram(picture) - torch.outer(mean, mean) - self.covariance
        size = self.covariance.square().sum().sqrt().clamp(min=1e-4)
        return self.weight * ((mean - self.mean).square().sum() + difference.square().sum() / size)
