"""Refuse techniques that differentiate by the image where a model has no such gradient."""

from collections.abc import Sequence

from catalog.errors import NoGradient
from catalog.model_description import ModelDescription
from catalog.targets import Target
from catalog.technique import Params

_OTHERS = "`occlusion` and `rise`"


def check_gradient(
    params: Params, targets: Sequence[Target], description: ModelDescription
) -> None:
    """Refuse targets and layers whose gradient with respect to the image does not exist.

    They must be layers of the model. Raises NoGradient.
    """
    if not params.differentiates_by_image:
        return
    layers = {layer.path: layer.gradient for layer in description.layers}
    named = [*params.named_layers(), *(target.layer for target in targets if target.layer)]
    for path in named:
        if not layers[path]:
            raise NoGradient(_sentence(f"The layer {path!r}", params, description))
    if any(target.layer is None for target in targets) and not description.gradient:
        others = "`occlusion`, `rise` and `grad_cam`" if description.map_gradient else _OTHERS
        raise NoGradient(_sentence("The output", params, description, others))
    if not named and not targets and not any(layers.values()):
        raise NoGradient(_sentence("Every layer", params, description))


def _sentence(
    what: str, params: Params, description: ModelDescription, others: str = _OTHERS
) -> str:
    """Return the refusal; `others` are the techniques that need no such gradient."""
    with_gradient = [layer.path for layer in description.layers if layer.gradient]
    last = ""
    if with_gradient:
        last = f" {with_gradient[-1]!r} is the last layer that has a gradient."
    return (
        f"{what} of {params.model!r} has no gradient with respect to the image: a step before it, "
        "such as detach(), a comparison, rounding or a cast to whole numbers, has none. This "
        f"technique needs one; {others} do not.{last}"
    )
