"""Pictures as spectra with decorrelated colours (Olah et al. 2017, Lucid).

The spectrum is divided by the frequency, as the spectra of photographs are, so that one step of an
optimizer changes all scales of the picture alike.
"""

import torch
from torch import Tensor

# Square root of the covariance of ImageNet's colours, divided by the largest norm of its columns.
_COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]) / 0.4619524
_CONTRAST = 4.0
# A given picture is kept this far from black and white, whose logits are infinite.
_EDGE = 0.01


class Fourier:
    """The picture sigmoid(colours(inverse transform(spectrum / frequency))).

    The spectrum is that of noise or of a given picture.
    """

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
        """Draw spectra with the same standard deviation at every frequency."""
        shape = (count, channels, height, width // 2 + 1, 2)
        return cls(deviation * torch.randn(shape, generator=generator), height, width)

    @classmethod
    def of(cls, picture: Tensor) -> "Fourier":
        """Return the spectrum of a picture (B, C, H, W), limited to `_EDGE` … 1 − `_EDGE`."""
        height, width = picture.shape[2:]
        plain = _mix_colours(picture.clamp(_EDGE, 1 - _EDGE).logit(), _COLOURS.inverse())
        spectrum = torch.fft.rfft2(plain * _CONTRAST, norm="ortho")
        spectrum = spectrum / _scale(height, width).to(picture.device)
        return cls(torch.view_as_real(spectrum), height, width)

    def to(self, device: torch.device) -> "Fourier":
        """Return a copy on the device."""
        return Fourier(self.parameters[0].to(device), *self._size)

    def picture(self) -> Tensor:
        """Return the picture (B, C, H, W)."""
        spectrum = torch.view_as_complex(self.parameters[0]) * self._scale
        plain = torch.fft.irfft2(spectrum, s=self._size, norm="ortho") / _CONTRAST
        return _mix_colours(plain, _COLOURS).sigmoid()


def _scale(height: int, width: int) -> Tensor:
    """Return 1 / frequency, which is at least one cycle per image: (H, W // 2 + 1)."""
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None]
    frequency = (down.square() + across.square()).sqrt()
    scale: Tensor = 1 / frequency.clamp(min=1 / max(height, width))
    return scale


def _mix_colours(plain: Tensor, matrix: Tensor) -> Tensor:
    """Apply the matrix to the colours (B, C, H, W), unless the picture is grey."""
    if plain.shape[1] != 3:
        return plain
    mixed: Tensor = torch.einsum("dc,bchw->bdhw", matrix.to(plain), plain)
    return mixed
