"""A gradient by the image as a picture: zero is mid-grey, and each channel keeps its sign."""

import numpy as np
from PIL import Image
from torch import Tensor

# The approximate side of the smallest picture, as of a drawn filter.
_SMALLEST = 64


def gradient_picture(gradient: Tensor) -> Image.Image:
    """Draw a gradient (3 or 1, H, W): zero is mid-grey, and the largest magnitudes are full.

    Small pictures are enlarged without smoothing.
    """
    values = gradient.detach().cpu().numpy().transpose(1, 2, 0)
    if values.shape[2] == 1:
        values = values.repeat(3, axis=2)
    limit = float(np.percentile(np.abs(values), 99.8)) or 1.0
    levels = ((values / limit).clip(-1, 1) * 127.5 + 127.5).round().astype(np.uint8)
    picture = Image.fromarray(levels)
    factor = max(1, _SMALLEST // min(picture.size))
    size = picture.width * factor, picture.height * factor
    return picture.resize(size, Image.Resampling.NEAREST)
