"""The parts of a style transfer's loss, each of one tensor (Gatys et al. 2016; and forms for any network)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_FLOOR = 0.05  # a channel's power counts as at least this part of the mean channel's
_TINY = 1e-12
_OUTSIDE = 1000.0  # weight of what leaves 0..1, where colours are paid for


def gram(features: Tensor) -> Tensor:
    """F Fᵀ / (H · W): (1, C, H, W) → (C, C)"""
    flat = features[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def blended(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Σ share · value. Σ share · ‖G − A‖² and ‖G − Σ share · A‖² have the same gradient for shares of sum 1."""
    return torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum(0)


def channel_scale(style: Tensor, content: Tensor) -> Tensor:
    """1 / root mean square of each channel over the styles' Gram matrix (C, C) and the content (1, C, H, W): (C,)"""
    power = (style.diagonal() + content.square().mean((0, 2, 3))) / 2
    return (power + _FLOOR * power.mean()).clamp(min=_TINY).rsqrt()


@dataclass(frozen=True)
class StyleTerm:
    """factor · ‖s sᵀ ∘ (G − A)‖²"""

    target: Tensor  # A (C, C)
    factor: Tensor | float
    scale: Tensor | None = None  # s (C,)

    def loss(self, features: Tensor) -> Tensor:
        difference = gram(features) - self.target
        if self.scale is not None:
            difference = difference * self.scale[:, None] * self.scale
        return self.factor * difference.square().sum()


@dataclass(frozen=True)
class ContentTerm:
    """factor · ‖s ∘ (F − P)‖²"""

    target: Tensor  # P (1, C, H, W)
    factor: Tensor | float
    scale: Tensor | None = None  # s (C,)

    def loss(self, features: Tensor) -> Tensor:
        difference = features - self.target
        if self.scale is not None:
            difference = difference * self.scale[:, None, None]
        return self.factor * difference.square().sum()


def published_style(target: Tensor, weight: float) -> StyleTerm:
    """weight · 1000/n² · mean (G − A)², n channels."""
    channels = len(target)
    return StyleTerm(target, weight * 1000 / channels**2 / channels**2)


def published_content(target: Tensor, weight: float) -> ContentTerm:
    """weight · mean (F − P)²"""
    return ContentTerm(target, weight / target.numel())


def normalized_style(target: Tensor, scale: Tensor, weight: float) -> StyleTerm:
    """weight · ‖s sᵀ ∘ (G − A)‖² / ‖s sᵀ ∘ A‖²"""
    size = (target * scale[:, None] * scale).square().sum()
    return StyleTerm(target, weight / size.clamp(min=_TINY), scale)


def normalized_content(target: Tensor, scale: Tensor, weight: float) -> ContentTerm:
    """weight · ‖s ∘ (F − P)‖² / ‖s ∘ P‖²"""
    size = (target * scale[:, None, None]).square().sum()
    return ContentTerm(target, weight / size.clamp(min=_TINY), scale)


@dataclass(frozen=True)
class Palette:
    """weight · (‖μ − μ'‖² + ‖Σ − Σ'‖² / ‖Σ'‖) of the colours' mean μ (C,) and covariance Σ (C, C)."""

    mean: Tensor
    covariance: Tensor
    weight: float

    @classmethod
    def of(cls, pictures: Sequence[Tensor], shares: Sequence[float], weight: float) -> "Palette":
        """The colours of all pictures (1, C, H, W) mixed in these shares."""
        mean = blended([picture[0].flatten(1).mean(1) for picture in pictures], shares)
        second = blended([gram(picture) for picture in pictures], shares)
        return cls(mean, second - torch.outer(mean, mean), weight)

    def loss(self, picture: Tensor) -> Tensor:
        mean = picture[0].flatten(1).mean(1)
        difference = gram(picture) - torch.outer(mean, mean) - self.covariance
        size = self.covariance.square().sum().sqrt().clamp(min=1e-4)
        return self.weight * ((mean - self.mean).square().sum() + difference.square().sum() / size)


def outside(picture: Tensor) -> Tensor:
    """What colours beyond 0..1, which no screen shows, pay."""
    return _OUTSIDE * (picture - picture.clamp(0, 1)).square().mean()
