"""Where the making of an image begins."""

import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import NoStart
from workers.toolkit.vision_model import VisionModel


def start_picture(model: VisionModel, kind: str, side: int, count: int, image: Image.Image | None) -> Tensor | None:
    """(count, C, side, side) in 0..1: zero is black, mean the training mean, image what the network sees of it.

    None for noise, which depends on how the picture is parametrized. Raises NoStart.
    """
    shape = (count, len(model.eye.mean), side, side)
    if kind == "noise":
        return None
    if kind == "zero":
        return torch.zeros(shape, device=model.device)
    if kind == "mean":
        return model.eye.picture(torch.zeros(shape, device=model.device))
    if image is None:
        raise NoStart("With start=image, send the image: -F image=@photo.jpg.")
    seen = model.eye.sized(side).view(image).x.to(model.device)
    return model.eye.picture(seen).expand(shape)
