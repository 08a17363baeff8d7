"""Inversion: an image made again from the output of one layer (Mahendran & Vedaldi 2015).

Both recipes, the published one and one for modern networks, minimize ‖Φ(x) − Φ0‖² / ‖Φ0‖². Φ0 is
the layer's output for the image that is sought, Φ(x) that for the image being made.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from workers.toolkit.errors import UnitSilent
from workers.toolkit.execution.gradients import gradient_by_image
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.optimization.engine import History, Losses, Stage
from workers.toolkit.optimization.fourier import Fourier
from workers.toolkit.optimization.objectives import WARM_UP_STEPS, redirecting_rule
from workers.toolkit.optimization.optimizers import AnnealedAdam
from workers.toolkit.optimization.parametrization import (
    MeanCentred,
    Parametrization,
    Pixels,
    clip_pixels,
)
from workers.toolkit.optimization.regularizers import alpha_norm, total_variation
from workers.toolkit.optimization.transforms import RandomAffine

MOMENTUM = 0.9
# (share of the steps from which on, factor on the rate)
PUBLISHED_RATES = ((0.0, 1.0), (0.25, 0.1), (0.75, 0.01))
# Norm of an image from which the authors start: 3 × 227 × 227 values in 0..255 less the mean.
PUBLISHED_NORM = 27098.1157


class InversionParams(Protocol):
    """The parameters that all layers share, as the catalog describes them."""

    @property
    def restarts(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def alpha(self) -> float: ...
    @property
    def alpha_weight(self) -> float: ...


class Inversion(ABC):
    """The inversion of one layer.

    - `embedding` (1, C) or (1, C, H, W) is the layer's output for the image that is sought.
    - `tv` is the weight of the total variation, `jitter` the random shift in pixels.
    """

    def __init__(
        self,
        network: Network,
        preprocessing: Preprocessing,
        path: str,
        embedding: Tensor,
        params: InversionParams,
        tv: float,
        jitter: float,
    ) -> None:
        self.network, self.preprocessing = network, preprocessing
        self.path, self.embedding, self.params = path, embedding, params
        self.tv, self.jitter = tv, jitter

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """Return the stages for the engine, of which the last keeps its picture."""

    def errors(self, x: Tensor, rule: Rule | None = None) -> Tensor:
        """Return ‖Φ(x) − Φ0‖² / ‖Φ0‖² for each network input: (B, C, H, W) → (B,)."""
        difference = self.network.run(x, self.path, rule) - self.embedding
        return difference.square().flatten(1).sum(1) / self.embedding.square().sum()

    def check_gradient(self, x: Tensor) -> None:
        """Raise UnitSilent if no network input (B, C, H, W) has a gradient of its error.

        Such pictures are what the penalties made of the noise at the start.
        """
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            errors = self.errors(leaf)
            gradient = gradient_by_image(errors, leaf)
        if not bool(gradient.any()) and bool((errors > 0).all()):
            raise UnitSilent(
                f"The layer {self.path!r} does not respond to any picture that was tried: the "
                "ReLUs before it are off everywhere. Choose an earlier layer, or more restarts."
            )


class PublishedInversion(Inversion):
    """The published recipe: gradient descent with momentum in the pixels.

    The pixels pay for their size, Σ|x|^α, and for their total variation.
    """

    @property
    def norm(self) -> float:
        """σ of the published objective: the norm of an image at this network's size."""
        channels, height, width = self.network.input_shape
        return float(PUBLISHED_NORM * (channels * height * width / (3 * 227**2)) ** 0.5)

    def stages(self) -> Sequence[Stage]:
        """Return the only stage."""
        steps, rate = self.params.steps, self.params.rate
        rates = [
            (round(since * steps), factor * rate * self.norm**2)
            for since, factor in PUBLISHED_RATES
        ]
        stage = Stage(
            steps,
            self._begin,
            self._objective,
            self._optimizer,
            rates=rates,
            keep=True,
            message=f"steps for {self.path}",
        )
        return [stage]

    def _begin(self, history: History, generator: torch.Generator) -> Parametrization:
        shape = (self.params.restarts, *self.network.input_shape)
        grain = torch.randn(shape, generator=generator)
        grain = grain / grain.flatten(1).norm(dim=1)[:, None, None, None] * self.norm
        return MeanCentred(grain.to(self.network.device), self.preprocessing)

    def _objective(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        x = MeanCentred.of(picture, self.preprocessing)
        square = self.norm**2
        params = self.params
        parts = {
            "error": self.errors(self.preprocessing.normalize(picture)),
            "tv": self.tv / 2 * total_variation(x) / square,
            "alpha": params.alpha_weight / 2 * alpha_norm(x, params.alpha) / square,
        }
        return Losses(parts)

    def _optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=self.params.rate * self.norm**2, momentum=MOMENTUM)


class ModernInversion(Inversion):
    """The recipe for modern networks: Adam in Fourier space, through random shifts and noise.

    For a layer with as many values as the picture, the last steps are in pixels, without shifts and
    noise. A vector does not say where things are. It is given more noise at first, so that things
    become whole before their details, and its picture pays for contrast too.
    """

    # Share of the steps after which there is neither shift nor noise. With fewer steps left, a
    # vector is not reached and other classes are predicted first.
    _CALM, _CALM_OF_VECTORS = 0.75, 0.6
    # What is left of the weight of the total variation after that. A vector is also reached by
    # grain.
    _CALM_TV, _CALM_TV_OF_VECTORS = 0.1, 2.0
    # Weight of mean x⁴, x in the network's units. Without it all is black and white.
    _CONTRAST_OF_VECTORS = 0.3
    # Standard deviation, pixels in 0..1. That of vectors is for the first step and falls linearly.
    _NOISE, _NOISE_OF_VECTORS = 0.04, 0.2
    # Of Adam in pixels. More leaves grain, less leaves specks.
    _RATE_OF_PIXELS = 0.03

    def stages(self) -> Sequence[Stage]:
        """Return the stage in Fourier space and, where it helps, the one in pixels that follows.

        The spectrum's picture goes through a sigmoid, so that a pixel that is driven to black or
        white has no gradient left and stays there. Pixels that are cut off at 0 and 1 come back.
        A layer with fewer values than the picture does not determine single pixels: there the last
        steps in pixels would halve the error by grain that nobody sees anything in.
        """
        first = self._in_fourier_space()
        if not self._determines_pixels:
            return [first]
        begun = math.ceil(self._calm_from)
        return [replace(first, steps=begun, keep=False), self._in_pixels(begun)]

    def _in_fourier_space(self) -> Stage:
        warm_up = redirecting_rule(self.network, self.path)

        def objective(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            rule = warm_up if step < WARM_UP_STEPS else None
            return self._losses(picture, step, generator, rule)

        return Stage(
            self.params.steps,
            self._begin,
            objective,
            self._optimizer,
            keep=True,
            message=f"steps for {self.path}",
        )

    def _in_pixels(self, begun: int) -> Stage:
        steps = self.params.steps - begun

        def begin(history: History, generator: torch.Generator) -> Parametrization:
            assert history.previous is not None
            return Pixels(history.previous, 0, 1)

        def objective(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            return self._losses(picture, begun + step, generator, None)

        def optimizer(parameters: list[Tensor]) -> torch.optim.Optimizer:
            return AnnealedAdam(parameters, lr=self._RATE_OF_PIXELS, steps=steps)

        return Stage(
            steps,
            begin,
            objective,
            optimizer,
            after_step=clip_pixels,
            keep=True,
            message=f"steps for {self.path}",
        )

    def _begin(self, history: History, generator: torch.Generator) -> Parametrization:
        noise = Fourier.noise(self.params.restarts, *self.network.input_shape, generator)
        return noise.to(self.network.device)

    def _losses(
        self, picture: Tensor, step: int, generator: torch.Generator, rule: Rule | None
    ) -> Losses:
        calm = step >= self._calm_from
        view = picture if calm else self._view(picture, step, generator)
        parts = {"error": self.errors(self.preprocessing.normalize(view), rule)}
        size = picture[0].numel()
        if self.tv:
            weight = self.tv * (self._calm_tv if calm else 1)
            parts["tv"] = weight * total_variation(picture) / size
        if not self._is_map:
            fourth = alpha_norm(self.preprocessing.normalize(picture), 4)
            parts["contrast"] = self._CONTRAST_OF_VECTORS * fourth / size
        return Losses(parts)

    def _view(self, picture: Tensor, step: int, generator: torch.Generator) -> Tensor:
        """Shift the pictures and add noise, so that what depends on few pixels does not grow."""
        noise = self._NOISE
        if not self._is_map:
            noise = self._NOISE_OF_VECTORS * (1 - step / self._calm_from)
        shifted = RandomAffine(self.jitter)(picture, generator)
        return shifted + noise * torch.randn(picture.shape, generator=generator).to(picture)

    @property
    def _calm_from(self) -> float:
        """The step from which on there is neither shift nor noise."""
        return self.params.steps * (self._CALM if self._is_map else self._CALM_OF_VECTORS)

    @property
    def _calm_tv(self) -> float:
        return self._CALM_TV if self._is_map else self._CALM_TV_OF_VECTORS

    @property
    def _is_map(self) -> bool:
        shape = self.embedding.shape
        return len(shape) == 4 and shape[2] * shape[3] > 1

    @property
    def _determines_pixels(self) -> bool:
        """Whether the layer has a map, and at least as many values as the picture."""
        return self._is_map and self.embedding[0].numel() >= math.prod(self.network.input_shape)

    def _optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        """Return Adam with an annealed rate.

        The noise of a vector falls by itself, so that there the rate falls only afterwards.
        """
        since = 0 if self._is_map else self._calm_from
        return AnnealedAdam(parameters, lr=self.params.rate, steps=self.params.steps, since=since)


RECIPES: dict[str, type[Inversion]] = {
    "mahendran_vedaldi": PublishedInversion,
    "modern": ModernInversion,
}
