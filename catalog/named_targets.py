"""Everything that a request names inside a model: read before the model is known, looked up once it is."""

from collections.abc import Sequence

from catalog.errors import InvalidTarget
from catalog.models import ModelDescription
from catalog.targets import Target, check_layers, check_target, parse_target
from catalog.technique import Params


def read_targets(params: Params, labels: Sequence[str]) -> list[Target]:
    """The parsed targets. Raises InvalidTarget, at the parameter that holds it."""
    try:
        return [parse_target(text, labels, params.model) for text in params.named_targets()]
    except InvalidTarget as error:
        raise type(error)(error.detail, params.targets_at) from None


def check_named(params: Params, targets: Sequence[Target], description: ModelDescription) -> None:
    """Refuse layers, channels and positions that the model does not have. Raises InvalidTarget."""
    check_layers(params.named_layers(), description)
    try:
        for target in targets:
            check_target(target, description)
    except InvalidTarget as error:
        raise type(error)(error.detail, params.targets_at) from None
