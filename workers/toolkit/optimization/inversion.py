"""Making an image again from what a layer keeps of it: as Mahendran & Vedaldi 2015 do, and for modern networks.

Both lower ‖Φ(x) − Φ0‖² / ‖Φ0‖²: Φ0 is the layer's output for the image that is sought, Φ(x) for the one being made.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.graph import operator_info
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.rectifiers import is_rectifier, redirected
from workers.toolkit.optimization.engine import Losses, Stage
from workers.toolkit.optimization.optimizers import AnnealedAdam
from workers.toolkit.optimization.parametrization import Fourier, MeanCentred, Parametrization
from workers.toolkit.optimization.regularizers import alpha_norm, total_variation
from workers.toolkit.optimization.transforms import RandomAffine

WARM_UP = 16  # steps with redirected ReLU, as in Lucid
MOMENTUM = 0.9
PUBLISHED_RATES = (
    (0.0, 1.0),
    (0.25, 0.1),
    (0.75, 0.01),
)  # from which part of the steps on; factor on the rate
PUBLISHED_NORM = 27098.1157  # of an image that the authors start from: 3 × 227 × 227 values in 0..255 less the mean
_CALM = 0.75  # part of the steps after which nothing is shaken any more
_CALM_OF_VECTORS = (
    0.6  # later, too few steps are left to reach the vector, and other classes come first
)
_CALM_TV = 0.1  # and how much of the total variation is still paid for
_CALM_TV_OF_VECTORS = 2.0  # a vector is also reached by grain
_CONTRAST_OF_VECTORS = (
    0.3  # weight of mean x⁴, x in the network's units; without it all is black and white
)
_NOISE = 0.04  # standard deviation, pixels in 0..1
_NOISE_OF_VECTORS = 0.2  # at the first step; falls in a straight line, to 0 where the calm begins


@dataclass(frozen=True)
class Inversion:
    """One layer to invert; `code` (1, C) or (1, C, H, W) is its output for the image that is sought."""

    network: Network
    preprocessing: Preprocessing
    path: str
    code: Tensor
    recipe: str
    restarts: int
    steps: int
    rate: float
    tv: float
    alpha: float
    alpha_weight: float
    jitter: float

    @property
    def norm(self) -> float:
        """σ of the published objective: the norm of an image, at this network's size."""
        channels, height, width = self.network.input_shape
        return float(PUBLISHED_NORM * (channels * height * width / (3 * 227**2)) ** 0.5)

    def stage(self) -> Stage:
        modern = self.recipe == "modern"
        rates = [
            (round(since * self.steps), factor * self.rate * self.norm**2)
            for since, factor in PUBLISHED_RATES
        ]
        return Stage(
            self.steps,
            self._begin_modern if modern else self._begin_published,
            self._loss_modern if modern else self._loss_published,
            self._adam if modern else self._momentum,
            rates=() if modern else rates,
            keep=True,
            message=f"steps for {self.path}",
        )

    def errors(self, x: Tensor, rule: Rule | None = None) -> Tensor:
        """‖Φ(x) − Φ0‖² / ‖Φ0‖² of each image, in the network's units: (B, C, H, W) → (B,)."""
        difference = self.network.run(x, self.path, rule) - self.code
        return difference.square().flatten(1).sum(1) / self.code.square().sum()

    def _begin_published(
        self, previous: Tensor | None, generator: torch.Generator
    ) -> Parametrization:
        grain = torch.randn(self.restarts, *self.network.input_shape, generator=generator)
        grain = grain / grain.flatten(1).norm(dim=1)[:, None, None, None] * self.norm
        return MeanCentred(grain.to(self.network.device), self.preprocessing)

    def _loss_published(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        x = MeanCentred.of(picture, self.preprocessing)
        square = self.norm**2
        return {
            "error": self.errors(self.preprocessing.normalize(picture)),
            "tv": self.tv / 2 * total_variation(x) / square,
            "alpha": self.alpha_weight / 2 * alpha_norm(x, self.alpha) / square,
        }

    def _begin_modern(self, previous: Tensor | None, generator: torch.Generator) -> Parametrization:
        return Fourier.noise(self.restarts, *self.network.input_shape, generator).to(
            self.network.device
        )

    def _loss_modern(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        calm = step >= self._calm
        shaken = picture if calm else self._shaken(picture, step, generator)
        rule = redirected if step < WARM_UP and self.network.rectifiers(self.path) else None
        parts = {"error": self.errors(self.preprocessing.normalize(shaken), rule)}
        if self.tv:
            weight = self.tv * (self._calm_tv if calm else 1)
            parts["tv"] = weight * total_variation(picture) / picture[0].numel()
        if not self._has_places:
            parts["contrast"] = (
                _CONTRAST_OF_VECTORS
                * alpha_norm(self.preprocessing.normalize(picture), 4)
                / picture[0].numel()
            )
        return parts

    def _shaken(self, picture: Tensor, step: int, generator: torch.Generator) -> Tensor:
        """Shifted and noisy: what only a few pixels say does not grow.

        A vector does not say where things are: much noise at first makes whole things, before their details.
        """
        noise = _NOISE if self._has_places else _NOISE_OF_VECTORS * (1 - step / self._calm)
        shifted = RandomAffine(self.jitter)(picture, generator)
        return shifted + noise * torch.randn(picture.shape, generator=generator).to(picture)

    @property
    def _calm(self) -> float:
        """The step from which on nothing is shaken."""
        return self.steps * (_CALM if self._has_places else _CALM_OF_VECTORS)

    @property
    def _calm_tv(self) -> float:
        return _CALM_TV if self._has_places else _CALM_TV_OF_VECTORS

    @property
    def _has_places(self) -> bool:
        return self.code.ndim == 4 and self.code.shape[2] * self.code.shape[3] > 1

    def _adam(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        """A vector's noise falls by itself: there the rate falls behind it, and not with it."""
        since = 0 if self._has_places else self._calm
        return AnnealedAdam(parameters, lr=self.rate, steps=self.steps, since=since)

    def _momentum(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=self.rate * self.norm**2, momentum=MOMENTUM)


# The three groups of Mahendran & Vedaldi: the first 6 of CaffeNet's 20 layers, the next 6, the last 8.
_GROUPS = (0.3, 0.6, 1.0)
_TV = {"mahendran_vedaldi": (1.0, 10.0, 100.0), "modern": (0.05, 0.5, 2.0)}
_OF_VECTORS = 5.0  # it does not hold things together by itself
_SHIFT = 1 / 28  # of the layer's stride
_LEAST_SHIFT = 0.5  # pixels: less would only blur what a shallow layer keeps exactly


def tv_weight(network: Network, path: str, recipe: str) -> float:
    """Weight of the total variation by the layer's depth; a vector, inverted by the modern recipe, pays more."""
    deep = depth(network, path)
    group = next(number for number, until in enumerate(_GROUPS) if deep <= until + 1e-9)
    vector = all(side == 1 for side in network.layer_shape(path)[1:])
    return _OF_VECTORS if vector and recipe == "modern" else _TV[recipe][group]


def jitter_pixels(network: Network, path: str) -> float:
    """Random shift in pixels: 1/28 of the layer's stride; a vector's stride is the whole side."""
    shape = network.layer_shape(path)
    stride = network.input_shape[1] / (shape[1] if len(shape) == 3 else 1)
    shift = stride * _SHIFT
    return shift if shift >= _LEAST_SHIFT else 0.0


def depth(network: Network, path: str) -> float:
    """The part of the network's convolutions, linear layers, norms, rectifiers and poolings up to that layer."""
    return _count(network, path) / max(1, _count(network, ""))


def _count(network: Network, path: str) -> int:
    return sum(
        operator_info(node).counts_for_depth or is_rectifier(node)
        for node in network.operators(path)
    )
