"""What an optimizer turns, and the picture that it stands for.

A picture is RGB (or grey) in 0..1, (B, C, H, W).
"""

from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NoStart
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.vision_model import VisionModel


class Parametrization(Protocol):
    parameters: list[Tensor]

    def picture(self) -> Tensor:
        """(B, C, H, W), differentiable with respect to the parameters."""


class Pixels:
    """The pixels themselves, kept between `low` and `high` by `clip` where these are given."""

    def __init__(self, start: Tensor, low: float | None = None, high: float | None = None) -> None:
        self._low, self._high = low, high
        self.parameters = [
            start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        ]

    def picture(self) -> Tensor:
        return self.parameters[0]

    @torch.no_grad()
    def clip(self) -> None:
        if self._low is not None or self._high is not None:
            self.parameters[0].clamp_(self._low, self._high)


LEVELS = 255.0


class MeanCentred:
    """x = 255 · (picture − mean), free to leave 0..1."""

    def __init__(self, start: Tensor, preprocessing: Preprocessing) -> None:
        self._eye = preprocessing
        self.parameters = [
            start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        ]

    @staticmethod
    def of(picture: Tensor, preprocessing: Preprocessing) -> Tensor:
        """The picture (B, C, H, W), 0..1, in these units."""
        return LEVELS * (picture - _mean(preprocessing, picture))

    def picture(self) -> Tensor:
        (x,) = self.parameters
        return x / LEVELS + _mean(self._eye, x)


def _mean(preprocessing: Preprocessing, like: Tensor) -> Tensor:
    """(C, 1, 1)"""
    return torch.tensor(preprocessing.mean).to(like)[:, None, None]


# Square root of the covariance of ImageNet's colours, and the largest norm of its columns.
_COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]) / 0.4619524
_CONTRAST = 4.0
_EDGE = (
    0.01  # a picture that is given is kept this far from black and white, whose logits are infinite
)


class Fourier:
    """sigmoid(colours(inverse transform(spectrum / frequency))) of noise, or of a picture's spectrum."""

    def __init__(self, spectrum: Tensor, height: int, width: int) -> None:
        self._size = (height, width)
        self._scale = _scale(height, width).to(spectrum.device)
        self.parameters = [spectrum.detach().clone().requires_grad_()]  # (B, C, H, W // 2 + 1, 2)

    @classmethod
    def noise(
        cls,
        count: int,
        channels: int,
        height: int,
        width: int,
        generator: torch.Generator,
        deviation: float = 0.01,
    ) -> "Fourier":
        shape = (count, channels, height, width // 2 + 1, 2)
        return cls(deviation * torch.randn(shape, generator=generator), height, width)

    @classmethod
    def of(cls, picture: Tensor) -> "Fourier":
        """The spectrum whose picture this is, up to what lies at the edges of 0..1."""
        height, width = picture.shape[2:]
        plain = _colours(picture.clamp(_EDGE, 1 - _EDGE).logit(), _COLOURS.inverse())
        spectrum = torch.fft.rfft2(plain * _CONTRAST, norm="ortho")
        spectrum = spectrum / _scale(height, width).to(picture.device)
        return cls(torch.view_as_real(spectrum), height, width)

    def to(self, device: torch.device) -> "Fourier":
        return Fourier(self.parameters[0].to(device), *self._size)

    def picture(self) -> Tensor:
        spectrum = torch.view_as_complex(self.parameters[0]) * self._scale
        plain = torch.fft.irfft2(spectrum, s=self._size, norm="ortho") / _CONTRAST
        return _colours(plain, _COLOURS).sigmoid()


def _scale(height: int, width: int) -> Tensor:
    """1 / frequency, the lowest not above one cycle per image: (H, W // 2 + 1)."""
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None]
    made: Tensor = 1 / (down.square() + across.square()).sqrt().clamp(min=1 / max(height, width))
    return made


def _colours(plain: Tensor, matrix: Tensor) -> Tensor:
    """The matrix on the colour axis; a grey picture has no colours to mix."""
    if plain.shape[1] != 3:
        return plain
    mixed: Tensor = torch.einsum("dc,bchw->bdhw", matrix.to(plain), plain)
    return mixed


def initial_image(
    model: VisionModel, kind: str, side: int, count: int, image: Image.Image | None
) -> Tensor | None:
    """(count, C, side, side) in 0..1: zero is black, mean the training mean, image what the network sees of it.

    None for noise, which depends on how the picture is parametrized. Raises NoStart.
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
