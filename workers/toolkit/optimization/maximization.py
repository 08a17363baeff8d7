"""Making the image that a unit answers most: the recipes of Simonyan 2014, Yosinski 2015 and Olah 2017."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.baselines import blur
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.rectifiers import redirected
from workers.toolkit.network.unit import Unit
from workers.toolkit.optimization.engine import Losses, Stage
from workers.toolkit.optimization.optimizers import NormalizedGradient
from workers.toolkit.optimization.parametrization import Fourier, Parametrization, Pixels
from workers.toolkit.optimization.regularizers import alpha_norm, squared_norm, total_variation
from workers.toolkit.optimization.transforms import RandomAffine, RandomCrop

WARM_UP = 16  # steps with redirected ReLU, as in Lucid
_BLUR_SIGMA, _DECAY = 1.0, 1e-4
_SCALE, _TURN = 0.1, 10.0
_APART = 0.02  # of 0..1
_ALPHA = 6.0
_LAST_NOISE = 1 / 6  # of the first
# What a picture of `robust` pays, in units of its score: contrast that no photograph has, and grain.
_CONTRAST, _GRAIN = 0.15, 2.0


@dataclass(frozen=True)
class MaximizationObjective:
    """One maximization. `start` (B, C, H, W) in 0..1, or None for noise."""

    network: Network
    preprocessing: Preprocessing
    unit: Unit
    recipe: str
    start: Tensor | None
    count: int
    steps: int
    rate: float
    l2: float
    tv: float
    alpha_norm: float
    blur_every: int
    jitter: int
    zoom: float
    noise: float
    apart: Callable[[Tensor], Tensor] | None = (
        None  # what several images pay for being alike: x → (1,)
    )

    def stage(self) -> Stage:
        kind = self._adam if self._fourier else self._steps
        return Stage(self.steps, self._begin, self._loss, kind, after_step=self._after)

    @property
    def _fourier(self) -> bool:
        return self.recipe in ("robust", "lucid")

    def _begin(self, previous: Tensor | None, generator: torch.Generator) -> Parametrization:
        channels, height, width = self.network.input_shape
        start = self._start(generator)
        if self._fourier:
            if start is not None:
                return Fourier.of(start)
            return Fourier.noise(self.count, channels, height, width, generator).to(
                self.network.device
            )
        if start is not None:
            return Pixels(start, 0.0, 1.0)
        grain = torch.randn(self.count, channels, height, width, generator=generator)
        return Pixels(self.preprocessing.picture(0.2 * grain).to(self.network.device), 0.0, 1.0)

    def _start(self, generator: torch.Generator) -> Tensor | None:
        """Several images begin a little apart: from one place they would all take the same way."""
        if self.start is None or self.count == 1:
            return self.start
        grain = torch.randn(self.start.shape, generator=generator).to(self.start)
        return (self.start + _APART * grain).clamp(0, 1)

    def _loss(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        x = self.preprocessing.normalize(self._view(picture, step, generator))
        warm_up = self._fourier and step < WARM_UP
        rule = redirected if warm_up and self.network.rectifiers(self.unit.path) else None
        parts = {"score": -self.unit.value(self.network, x, rule)}
        if self.recipe == "robust":
            parts |= self._unlike_photographs(
                self.preprocessing.normalize(picture), -parts["score"].detach()
            )
        if self.apart is not None:
            parts["likeness"] = self.apart(x)
        if self.l2:
            parts["l2"] = self.l2 * squared_norm(self.preprocessing.normalize(picture))
        if self.tv:
            parts["tv"] = self.tv * total_variation(self.preprocessing.normalize(picture))
        if self.alpha_norm:
            parts["alpha_norm"] = self.alpha_norm * alpha_norm(
                self.preprocessing.normalize(picture), _ALPHA
            )
        return parts

    def _unlike_photographs(self, x: Tensor, score: Tensor) -> dict[str, Tensor]:
        """x (B, C, H, W), score (B,): what each pays, the same for units of any scale."""
        worth = score.clamp(min=0) / x[0].numel()
        return {
            "contrast": _CONTRAST * worth * alpha_norm(x, 4),
            "grain": _GRAIN * worth * total_variation(x),
        }

    def _view(self, picture: Tensor, step: int, generator: torch.Generator) -> Tensor:
        """A random part; the noise falls in a straight line, so that the whole is there before its details."""
        noise = self.noise * (1 - (1 - _LAST_NOISE) * step / self.steps)
        lucid = self.recipe == "lucid"
        jiggled = RandomAffine(self.jitter, _SCALE if lucid else 0, _TURN if lucid else 0)(
            picture, generator
        )
        return (
            RandomCrop(self.zoom, noise)(jiggled, generator) if self.zoom < 1 or noise else jiggled
        )

    def _adam(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.rate)

    def _steps(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return NormalizedGradient(parameters, lr=self.rate)

    @torch.no_grad()
    def _after(self, parametrization: Parametrization, step: int) -> None:
        if not isinstance(parametrization, Pixels):
            return
        (pixels,) = parametrization.parameters
        if self.recipe == "yosinski":
            pixels.copy_(
                self.preprocessing.picture((1 - _DECAY) * self.preprocessing.normalize(pixels))
            )
        if self.blur_every and (step + 1) % self.blur_every == 0:
            pixels.copy_(blur(pixels, _BLUR_SIGMA))
        parametrization.clip()


def diversity_penalty(features: Tensor) -> Tensor:
    """Mean cosine of the Gram matrices of all pairs (Olah et al. 2017): (B, C) or (B, C, H, W) → (1,).

    0 for one image.
    """
    flat = features.reshape(*features.shape[:2], -1)  # (B, C, N)
    grams = F.normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)
    count = len(grams)
    if count < 2:
        return features.new_zeros(1)
    cosines = grams @ grams.T
    return ((cosines.sum() - cosines.trace()) / (count * (count - 1))).reshape(1)
