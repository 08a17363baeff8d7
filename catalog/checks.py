"""Checks of parameters that several techniques share."""

from collections.abc import Sequence
from typing import Any

from catalog.errors import InvalidParameters, TooExpensive, Violation, WrongShape
from catalog.model_description import ModelDescription
from catalog.models import DEFAULT_MODEL
from catalog.technique import Params

# Multiplications of one image in the default model, of which costs are multiples.
DEFAULT_MULTIPLICATIONS = 385_187_552


def relative_cost(description: ModelDescription | None) -> float:
    """Return what an image costs in a model, in images of the default model.

    At least 1, since each pass has a cost of its own; 1 if the model's multiplications are unknown.
    """
    counted = description.multiplications if description else None
    return max(1.0, (counted or 0) / DEFAULT_MULTIPLICATIONS)


def check_cost(params: Params, passes: int, limit: int) -> None:
    """Refuse a request that sends too many images through the model.

    Raises TooExpensive, which names the estimate, the limit and what to change.
    """
    if passes > limit:
        raise _too_expensive(
            params,
            f"About {passes:,} images of the model's size would go through it; "
            f"the limit is {limit:,}.",
        )


def check_multiplications(params: Params, passes: int, relative: float, limit: int) -> None:
    """Refuse a request that multiplies too much, in images of the default model.

    `relative` is what one image costs in this model. Raises TooExpensive.
    """
    if passes * relative > limit:
        raise _too_expensive(
            params,
            f"About {passes:,} images of the model's size would go through it, and each costs as "
            f"much as {relative:,.0f} in {DEFAULT_MODEL!r}: {passes * relative:,.0f} together; "
            f"the limit is {limit:,}.",
        )


def _too_expensive(params: Params, message: str) -> TooExpensive:
    *others, last = params.cost_advice or ("ask for less",)
    ways = f"{', '.join(others)} or {last}" if others else last
    pointers = [way.rpartition(" ")[2] for way in params.cost_advice]
    return TooExpensive(
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
