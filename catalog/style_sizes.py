"""The sizes of the images of a style transfer, and whether the layers that are read take them."""

from collections.abc import Sequence

from catalog.errors import OneSize, Violation
from catalog.model_description import ModelDescription

# No side of an image is smaller, in pixels.
LEAST_SIDE = 8


def scaled(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the (width, height) of an image whose longer side becomes `side` pixels."""
    factor = side / max(width, height)
    return max(LEAST_SIDE, round(width * factor)), max(LEAST_SIDE, round(height * factor))


def one_size_layer(
    content: Sequence[str], style: Sequence[str], description: ModelDescription
) -> str | None:
    """Return a layer that is read, for certain, and takes images of the model's own size only.

    Layers of a kind that is not named are chosen by depth when the model is loaded.
    """
    fixed = [layer.path for layer in description.layers if layer.one_size]
    if not (content and style) and len(fixed) == len(description.layers):
        return next(iter(fixed), None)
    return next((path for path in (*content, *style) if path in fixed), None)


def one_size_refusal(
    layer: str, own: int, name: str, painted: tuple[int, int], reason: str
) -> OneSize:
    """Return the refusal of an image, by its name and its (width, height), for a layer.

    `own` is the side of the model's input, and `reason` says what the size follows from.
    """
    message = (
        f"Layer {layer!r} takes images of {own} × {own} pixels only, and {name!r} would be "
        f"{painted[0]} × {painted[1]}. That size follows from {reason} and the image's shape. "
        f"Send size={own}, scales=1, style_scale=1 and square images, or name other layers."
    )
    return OneSize(message, [Violation("/size", message)])
