"""Style transfer on small pictures, and what its files hold."""

import io
import json
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from catalog.models import find_model
from catalog.techniques.style_transfer import StyleTransferParams, StyleTransferSummary
from tests.techniques.running import Recording, entry_of
from tests.tiny import photo
from workers.execute import execute
from workers.toolkit.network.vision_model import VisionModel

CONTENT, STYLE = photo(64, 48, seed=1), photo(40, 40, seed=2)


def paint(
    model: VisionModel,
    *styles: Image.Image,
    content: Image.Image = CONTENT,
    context: Recording | None = None,
    **asked: Any,
) -> tuple[StyleTransferSummary, Recording]:
    context = context or Recording()
    entry = find_model("vgg19") if model.name == "vgg19" else entry_of(model)
    fields = {"seed": 3, "size": 64, "steps": 4, **asked}
    params = StyleTransferParams.model_validate(fields).resolved(entry)
    params.validate_for(entry, ())
    images = {
        "content": content,
        **dict(zip(("style", "style_2"), styles or (STYLE,), strict=False)),
    }
    summary = execute("style_transfer", params, model, images, context)
    assert isinstance(summary, StyleTransferSummary)
    return summary, context


def made(context: Recording) -> Tensor:
    """Return image.png, (H, W, C) in 0..255."""
    return torch.from_numpy(
        np.array(Image.open(io.BytesIO(context.files["image.png"])).convert("RGB"))
    ).double()


def curve(context: Recording) -> dict[str, list[float]]:
    return json.loads(context.files["curve.json"])
