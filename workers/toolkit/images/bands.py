"""Arrays of a model's own channels, in the place of a photograph."""

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import WrongUnits
from workers.toolkit.images.array import Array
from workers.toolkit.images.picture import to_image
from workers.toolkit.images.png_roundtrip import resize_differentiably
from workers.toolkit.images.preprocessing import ModelInput, Preprocessing

# Standard deviations from the mean beyond which an array cannot be in the model's units: 8-bit
# levels, sent in the place of 0..1, are hundreds.
_FAR = 100
# Standard deviations from the mean that a picture shows as black and as white.
_SHOWN = 2


def prepare_bands(preprocessing: Preprocessing, array: Array) -> ModelInput:
    """Return the model's input for an array (C, H, W) in the units of mean and std.

    It is resized, by torch's filters with antialiasing, cropped and normalized like a photograph.
    Raises WrongUnits.
    """
    values = torch.from_numpy(array)[None]
    _check_units(preprocessing, values)
    x = resize_differentiably(preprocessing, values)
    image = bands_picture(preprocessing, values)
    return ModelInput(image, x, preprocessing.seen_box(*image.size))


def bands_picture(preprocessing: Preprocessing, values: Tensor) -> Image.Image:
    """Return an RGB picture of the shown channels of (1, C, H, W); one channel is shown as grey.

    Pixels, of 1 or 3 channels, are shown as they are. Any other channel is shown from two standard
    deviations below its mean to two above.
    """
    shown = list(preprocessing.shown)
    if len(preprocessing.mean) in (1, 3):
        return to_image(values).convert("RGB")
    normalized = preprocessing.normalize(values)[:, shown]
    return to_image(normalized / (2 * _SHOWN) + 0.5).convert("RGB")


def _check_units(preprocessing: Preprocessing, values: Tensor) -> None:
    far = preprocessing.normalize(values).abs().amax((0, 2, 3))
    worst = int(far.argmax())
    if float(far[worst]) <= _FAR:
        return
    low, high = values[0, worst].aminmax()
    raise WrongUnits(
        f"Channel {worst} of the array goes from {float(low):.4g} to {float(high):.4g}, and the "
        f"model's mean and std for it are {preprocessing.mean[worst]:.4g} and "
        f"{preprocessing.std[worst]:.4g}. Send the array in the units of mean and std."
    )
