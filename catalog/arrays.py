"""An array that is sent in place of a layer's output: does it have the layer's shape?"""

from collections.abc import Sequence

from catalog.errors import Violation, WrongShape
from catalog.model_description import ModelDescription
from catalog.technique import Params


def check_array(
    params: Params, name: str, shape: Sequence[int], description: ModelDescription
) -> None:
    """Refuse an array whose shape is not the layer's; a leading batch axis of 1 does not count. Raises WrongShape."""
    path = params.array_layer(name)
    layer = next((layer for layer in description.layers if layer.path == path), None)
    if layer is None or fits(shape, layer.shape):
        return
    detail = f"The array {name!r} has the shape {list(shape)}; layer {path!r} of {params.model!r} gives {layer.shape}."
    raise WrongShape(
        detail, [Violation(f"/{name}", f"Its shape must be {layer.shape}, or {[1, *layer.shape]}.")]
    )


def fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return list(shape) in (list(wanted), [1, *wanted])
