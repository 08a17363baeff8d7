"""Parametrizations: what an optimizer changes, and the picture that it stands for.

A picture is RGB or grey in 0..1, (B, C, H, W). The frequencies of a picture are parametrized in
fourier.py.
"""

from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NoStart
from workers.toolkit.images.luminance import luminance
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.vision_model import VisionModel

_LEVELS = 255.0


class Parametrization(Protocol):
    """Parameters of which a picture is a differentiable function."""

    parameters: list[Tensor]

    def picture(self) -> Tensor:
        """Return the picture (B, C, H, W), differentiable with respect to the parameters."""


class Pixels:
    """The pixels themselves. `clip` limits them to `low` and `high`, if these are given."""

    def __init__(self, start: Tensor, low: float | None = None, high: float | None = None) -> None:
        self._low, self._high = low, high
        self.parameters = [_parameter(start)]

    def picture(self) -> Tensor:
        """Return the pixels (B, C, H, W)."""
        return self.parameters[0]

    @torch.no_grad()
    def clip(self) -> None:
        """Limit the pixels in place."""
        if self._low is not None or self._high is not None:
            self.parameters[0].clamp_(self._low, self._high)


class MeanCentred:
    """The parameters x = 255 · (picture − mean). The picture may leave 0..1."""

    def __init__(self, start: Tensor, preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        self.parameters = [_parameter(start)]

    @staticmethod
    def of(picture: Tensor, preprocessing: Preprocessing) -> Tensor:
        """Convert a picture (B, C, H, W) in 0..1 to these units."""
        return _LEVELS * (picture - _mean(preprocessing, picture))

    def picture(self) -> Tensor:
        """Return the picture (B, C, H, W)."""
        (x,) = self.parameters
        return x / _LEVELS + _mean(self._preprocessing, x)


class LuminanceOnly:
    """A picture whose luminance is optimized. Its I and Q are those of `colours` (1, C, H, W)."""

    def __init__(self, start: Tensor, colours: Tensor) -> None:
        self._chrominance = colours - luminance(colours)
        self._bounds = luminance_bounds(colours)
        self.parameters = [_parameter(luminance(start))]  # (1, 1, H, W)

    def picture(self) -> Tensor:
        """Return the picture (1, C, H, W)."""
        return self.parameters[0] + self._chrominance

    @torch.no_grad()
    def clip(self) -> None:
        """Limit the luminance in place, so that the picture is in 0..1."""
        self.parameters[0].clamp_(*self._bounds)


def luminance_bounds(colours: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the largest luminance with which no channel leaves 0..1.

    The picture has the I and Q of `colours` (1, C, H, W). Both results are (1, 1, H, W).
    """
    chrominance = colours - luminance(colours)
    return -chrominance.amin(1, keepdim=True), 1 - chrominance.amax(1, keepdim=True)


def clip_pixels(parametrization: Parametrization, step: int) -> None:
    """Limit pixels or luminance after a step of an optimization."""
    assert isinstance(parametrization, Pixels | LuminanceOnly)
    parametrization.clip()


def initial_image(
    model: VisionModel, kind: str, side: int, count: int, image: Image.Image | None
) -> Tensor | None:
    """Return the pictures (count, C, side, side) in 0..1 from which an optimization starts.

    `zero` is black, `mean` the mean of the training data, `image` what the network sees of the
    image. For `noise`, which depends on the parametrization, return None. Raises NoStart.
    """
    shape = (count, len(model.preprocessing.mean), side, side)
    if kind == "noise":
        return None
    if kind == "zero":
        return torch.zeros(shape, device=model.device)
    if kind == "mean":
        return model.preprocessing.picture(torch.zeros(shape, device=model.device))
    if image is None:
        raise NoStart("With start=image, send the image: -F image=@photo.jpg.")
    seen = model.preprocessing.at_size(side).prepare(image).x.to(model.device)
    return model.preprocessing.picture(seen).expand(shape)


def _parameter(start: Tensor) -> Tensor:
    copy = start.detach().clone(memory_format=torch.contiguous_format)
    return copy.requires_grad_()


def _mean(preprocessing: Preprocessing, like: Tensor) -> Tensor:
    """Return the mean of the training data, (C, 1, 1)."""
    return torch.tensor(preprocessing.mean).to(like)[:, None, None]
