"""Activation maximization: the image with the highest value of a unit, by four published recipes.

Sources: Simonyan et al. 2014, Yosinski et al. 2015, Olah et al. 2017 (Lucid), Fel et al. 2023
(the views of the recipe `robust`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.baselines import blur
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit
from workers.toolkit.optimization.engine import History, Losses, Stage, keep_parameters
from workers.toolkit.optimization.fourier import Fourier
from workers.toolkit.optimization.objectives import WARM_UP_STEPS, redirecting_rule
from workers.toolkit.optimization.optimizers import NormalizedGradient
from workers.toolkit.optimization.parametrization import Parametrization, Pixels
from workers.toolkit.optimization.regularizers import alpha_norm, squared_norm, total_variation
from workers.toolkit.optimization.silent_units import answering_value
from workers.toolkit.optimization.transforms import RandomAffine, RandomCrop
from workers.toolkit.optimization.unit_field import UnitField, WithinField, field_of

# Standard deviation, in 0..1, by which several images differ at the start.
_DIFFERENCE = 0.02
_ALPHA = 6.0
# The noise in the views at the last step, as a part of that at the first.
_LAST_NOISE = 1 / 6
# The largest shift in the views of one neuron, as a part of its field's side.
_FIELD_SHIFT = 1 / 16
# Standard deviation of the pixels to start from, in the network's units.
_NOISE_START = 0.2

Penalty = Callable[[Tensor], Tensor]
"""Maps network inputs (B, C, H, W) to a penalty, (1,)."""


class MaximizationParams(Protocol):
    """The parameters of a maximization, as the catalog describes them."""

    @property
    def count(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def l2(self) -> float: ...
    @property
    def tv(self) -> float: ...
    @property
    def alpha_norm(self) -> float: ...
    @property
    def blur_every(self) -> int: ...
    @property
    def jitter(self) -> int: ...
    @property
    def zoom(self) -> float: ...
    @property
    def noise(self) -> float: ...


class Maximization(ABC):
    """One maximization of one unit, whose loss is −score plus the penalties.

    - `start` holds the first images (B, C, H, W) in 0..1, or is None for noise.
    - `diversity` is the penalty on several images that resemble each other.
    """

    scale, turn = 0.0, 0.0
    """The largest random change of scale, and turn in degrees, of each view."""

    warm_up_steps = 0
    """First steps in which rectifiers are redirected."""

    def __init__(
        self,
        network: Network,
        preprocessing: Preprocessing,
        unit: Unit,
        params: MaximizationParams,
        start: Tensor | None = None,
        diversity: Penalty | None = None,
    ) -> None:
        self.network, self.preprocessing = network, preprocessing
        self.unit, self.params = unit, params
        self._start, self._diversity = start, diversity
        self._redirecting = redirecting_rule(network, unit.path)
        self.field = field_of(network, unit)

    def stage(self) -> Stage:
        """Return the stage for the engine."""
        return Stage(
            self.params.steps,
            self._begin,
            self._objective,
            self.optimizer,
            after_step=self._after_step,
        )

    @abstractmethod
    def from_image(self, start: Tensor) -> Parametrization:
        """Return the parametrization that starts from images (B, C, H, W)."""

    @abstractmethod
    def from_noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Parametrization:
        """Return the parametrization that starts from noise of the shape (B, C, H, W)."""

    @abstractmethod
    def optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        """Return the optimizer of the recipe."""

    def own_penalties(self, picture: Tensor, score: Tensor) -> dict[str, Tensor]:
        """Return the recipe's own penalties: (B, C, H, W), (B,) → (B,) each."""
        return {}

    def after_step(self, parametrization: Parametrization, step: int) -> None:
        """Change the parameters in place after a step."""
        keep_parameters(parametrization, step)

    def _after_step(self, parametrization: Parametrization, step: int) -> None:
        if isinstance(parametrization, WithinField):
            parametrization = parametrization.inside
        self.after_step(parametrization, step)

    def _begin(self, history: History, generator: torch.Generator) -> Parametrization:
        whole = self._whole(generator)
        if self.field is None:
            return whole
        with torch.no_grad():
            start = whole.picture()
        return WithinField(self.from_image(self.field.cut(start)), start, self.field)

    def _whole(self, generator: torch.Generator) -> Parametrization:
        """Return the parametrization of the whole picture."""
        if self._start is None:
            return self.from_noise((self.params.count, *self.network.input_shape), generator)
        start = self._start
        if self.params.count > 1:
            # From one place all images would follow the same course.
            grain = torch.randn(start.shape, generator=generator).to(start)
            start = (start + _DIFFERENCE * grain).clamp(0, 1)
        return self.from_image(start)

    def _objective(self, picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        # Each part normalizes the picture itself: with one normalized picture for all, gradients
        # would be summed before the division by the standard deviation, and be rounded otherwise.
        params, normalize = self.params, self.preprocessing.normalize
        view = normalize(self._view(picture, step, generator))
        rule = self._redirecting if step < self.warm_up_steps else None
        value = answering_value(self.network, self.unit, view, rule, self._redirecting)
        parts = {"score": -value}
        if self.field is not None:
            picture = self.field.cut(picture)  # penalties on what cannot change are constants
        parts |= self.own_penalties(picture, -parts["score"].detach())
        if self._diversity is not None:
            parts["likeness"] = self._diversity(view)
        if params.l2:
            parts["l2"] = params.l2 * squared_norm(normalize(picture))
        if params.tv:
            parts["tv"] = params.tv * total_variation(normalize(picture))
        if params.alpha_norm:
            parts["alpha_norm"] = params.alpha_norm * alpha_norm(normalize(picture), _ALPHA)
        return Losses(parts)

    def _view(self, picture: Tensor, step: int, generator: torch.Generator) -> Tensor:
        """Return a random view of each picture.

        The noise falls linearly, so that the whole takes shape before its details.
        """
        params = self.params
        noise = params.noise * (1 - (1 - _LAST_NOISE) * step / params.steps)
        if self.field is not None:
            return self._field_view(self.field, picture, noise, generator)
        view = RandomAffine(params.jitter, self.scale, self.turn)(picture, generator)
        if params.zoom < 1 or noise:
            view = RandomCrop(params.zoom, noise)(view, generator)
        return view

    def _field_view(
        self, field: UnitField, picture: Tensor, noise: float, generator: torch.Generator
    ) -> Tensor:
        """Return a random view of the field in its place.

        The centre of the field stays where the unit sees it, but for shifts that are small in it.
        """
        params, part = self.params, field.cut(picture)
        shift = min(params.jitter, _FIELD_SHIFT * max(part.shape[2:]))
        part = RandomAffine(shift, self.scale, self.turn, field.centre)(part, generator)
        if params.zoom < 1 or noise:
            part = RandomCrop(params.zoom, noise, field.centre, wander=0.0)(part, generator)
        return field.paste(part, picture)


class _FourierMaximization(Maximization):
    """A recipe in Fourier space: Adam, with redirected rectifiers in the first steps."""

    warm_up_steps = WARM_UP_STEPS

    def from_image(self, start: Tensor) -> Parametrization:
        """Return the spectra of the images."""
        return Fourier.of(start)

    def from_noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Parametrization:
        """Draw spectra."""
        count, channels, height, width = shape
        noise = Fourier.noise(count, channels, height, width, generator)
        return noise.to(self.network.device)

    def optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(parameters, lr=self.params.rate)


class Lucid(_FourierMaximization):
    """The recipe of Olah et al. 2017: Fourier space, through random shifts, scales and turns."""

    scale, turn = 0.1, 10.0


class Robust(_FourierMaximization):
    """The default recipe: Fourier space, through noisy views of random parts.

    It penalizes contrast that no photograph has, and grain, in units of the score.
    """

    contrast, grain = 0.15, 2.0
    """Weights of the two penalties."""

    def own_penalties(self, picture: Tensor, score: Tensor) -> dict[str, Tensor]:
        """Return the penalties on contrast and grain; they are zero where the score is negative."""
        x = self.preprocessing.normalize(picture)
        unit = score.clamp(min=0) / x[0].numel()
        return {
            "contrast": self.contrast * unit * alpha_norm(x, 4),
            "grain": self.grain * unit * total_variation(x),
        }


class Simonyan(Maximization):
    """The recipe of Simonyan et al. 2014: gradient steps in the pixels, with an L2 penalty."""

    _BLUR_SIGMA = 1.0

    def from_image(self, start: Tensor) -> Parametrization:
        """Return the pixels of the images."""
        return Pixels(start, 0.0, 1.0)

    def from_noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Parametrization:
        """Draw pixels around the mean of the training data."""
        grain = torch.randn(shape, generator=generator)
        start = self.preprocessing.picture(_NOISE_START * grain)
        return self.from_image(start.to(self.network.device))

    def optimizer(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        """Return gradient steps of one mean size over the picture, where only a field changes too.

        With that mean over the field alone, blurring would undo most of what the steps do.
        """
        (pixels,) = parameters
        _, height, width = self.network.input_shape
        part = pixels.shape[2] * pixels.shape[3] / (height * width)
        return NormalizedGradient(parameters, lr=self.params.rate / part)

    @torch.no_grad()
    def after_step(self, parametrization: Parametrization, step: int) -> None:
        """Decay the pixels, blur them if it is time, and limit them to 0..1."""
        assert isinstance(parametrization, Pixels)
        (pixels,) = parametrization.parameters
        self.decay(pixels)
        if self.params.blur_every and (step + 1) % self.params.blur_every == 0:
            pixels.copy_(blur(pixels, self._BLUR_SIGMA))
        parametrization.clip()

    def decay(self, pixels: Tensor) -> None:
        """Leave the pixels as they are: this recipe has no decay."""


class Yosinski(Simonyan):
    """The recipe of Yosinski et al. 2015: the pixels decay, and are blurred, between the steps."""

    _DECAY = 1e-4

    def decay(self, pixels: Tensor) -> None:
        """Multiply the pixels, in the network's units, by 1 − decay."""
        x = self.preprocessing.normalize(pixels)
        pixels.copy_(self.preprocessing.picture((1 - self._DECAY) * x))


RECIPES: dict[str, type[Maximization]] = {
    "robust": Robust,
    "lucid": Lucid,
    "simonyan": Simonyan,
    "yosinski": Yosinski,
}


def diversity_penalty(features: Tensor) -> Tensor:
    """Return the mean cosine between the Gram matrices of all pairs of images (Olah et al. 2017).

    (B, C) or (B, C, H, W) → (1,); 0 for one image.
    """
    flat = features.reshape(*features.shape[:2], -1)  # (B, C, N)
    grams = F.normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)
    count = len(grams)
    if count < 2:
        return features.new_zeros(1)
    cosines = grams @ grams.T
    return ((cosines.sum() - cosines.trace()) / (count * (count - 1))).reshape(1)
