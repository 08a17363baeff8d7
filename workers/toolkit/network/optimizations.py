"""What is done to a network so that it is faster, each of which a model may have to do without."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Optimizations:
    """The ways in which a network is prepared. `Optimizations()` names all of them.

    `channels_last`: convolutions on a CPU run about twice as fast in this memory format.
    `folded_batch_norm`: a batch norm becomes part of the convolution before it.
    `single_images`: an image that comes alone runs alone. On a CPU, torch 2 has wrong gradients of
    batch and instance norms for a single image in some layouts, such as that of tokens that were
    viewed as a map. Without this, an image runs beside a copy of itself where gradients are taken.
    """

    channels_last: bool = True
    folded_batch_norm: bool = True
    single_images: bool = True

    def arrange(self, x: Tensor) -> Tensor:
        """Return the images (B, C, H, W) in the memory format of the network."""
        return x.contiguous(memory_format=self._memory_format)

    def doubles(self, x: Tensor) -> bool:
        """Return whether the images (B, C, H, W) are one that must run beside a copy of itself."""
        return len(x) == 1 and torch.is_grad_enabled() and not self.single_images

    def arrange_parameters(self, module: nn.Module) -> nn.Module:
        """Bring parameters and buffers into the memory format, in place, and return the module.

        The tensors stay the same objects, since an exported graph shares them with its module.
        """
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.ndim == 4:
                tensor.data = tensor.data.contiguous(memory_format=self._memory_format)
        return module

    @property
    def _memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format


ALL = Optimizations()
NONE = Optimizations(channels_last=False, folded_batch_norm=False, single_images=False)
