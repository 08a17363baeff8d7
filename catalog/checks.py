"""Checks of parameters that several techniques share."""

from collections.abc import Sequence
from typing import Any

from catalog.errors import InvalidParameters, TooExpensive, Violation, WrongShape
from catalog.model_description import ModelDescription
from catalog.technique import Params


def check_cost(params: Params, passes: int, limit: int) -> None:
    """Refuse a request that sends too many images through the model.

    Raises TooExpensive, which names the estimate, the limit and what to change.
    """
    if passes <= limit:
        return
    *others, last = params.cost_advice or ("ask for less",)
    ways = f"{', '.join(others)} or {last}" if others else last
    message = (
        f"About {passes:,} images of the model's size would go through it; the limit is {limit:,}."
    )
    pointers = [way.rpartition(" ")[2] for way in params.cost_advice]
    raise TooExpensive(
        f"{message} {ways.capitalize()}.",
        [Violation(f"/{pointer}", message) for pointer in pointers],
    )


def refuse_unused(name: str, value: Any, default: Any, used_by: str) -> None:
    """Refuse a parameter that has no effect, since a client who sends it expects one.

    `used_by` completes "`name` is used by …". The default is accepted, so that the parameters that
    a job records can be sent again. Raises InvalidParameters.
    """
    if value is not None and value != default:
        message = f"{name} is used by {used_by} only. Remove it."
        raise InvalidParameters(message, [Violation(f"/{name}", message)])


def check_array(
    params: Params, name: str, shape: Sequence[int], description: ModelDescription
) -> None:
    """Refuse an array whose shape is not that of the layer's output.

    A leading batch axis of 1 is accepted. Raises WrongShape.
    """
    path = params.array_layer(name)
    layer = next((layer for layer in description.layers if layer.path == path), None)
    if layer is None or fits(shape, layer.shape):
        return
    raise WrongShape(
        f"The array {name!r} has the shape {list(shape)}, but the output of layer {path!r} of "
        f"{params.model!r} has the shape {layer.shape}.",
        [Violation(f"/{name}", f"Its shape must be {layer.shape}, or {[1, *layer.shape]}.")],
    )


def fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Return whether a shape is the wanted one, with or without a batch axis of 1."""
    return list(shape) in (list(wanted), [1, *wanted])
