"""The files that an optimization leaves: its pictures, the course of its losses, an animation."""

import io
from collections.abc import Sequence

from PIL import Image

from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.images.picture import to_image
from workers.toolkit.optimization.engine import OptimizationResult

_WEBP_QUALITY = 90


def save_pictures(context: Context, result: OptimizationResult) -> None:
    """Save image.png, each of several pictures as image-1.png and so on, and curve.json."""
    save_png(context, "image.png", to_image(result.picture))
    if len(result.picture) > 1:
        for number, picture in enumerate(result.picture, 1):
            save_png(context, f"image-{number}.png", to_image(picture[None]))
    save_curve(context, result)


def save_curve(context: Context, result: OptimizationResult) -> None:
    """Save curve.json: for each part of the losses, its value at each step.

    The value is null at the steps of a stage without that part.
    """
    names = list(dict.fromkeys(name for step in result.curve for name in step))
    curve = {name: [step.get(name) for step in result.curve] for name in names}
    save_json(context, "curve.json", curve)


def save_animation(
    context: Context, name: str, frames: Sequence[Image.Image], frame_ms: int
) -> None:
    """Save a WebP file that repeats the frames forever."""
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=frame_ms,
        loop=0,
        quality=_WEBP_QUALITY,
        method=2,
    )
    context.save(name, buffer.getvalue(), "image/webp")
