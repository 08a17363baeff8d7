"""A parameter without effect is refused: whoever sends it expects something of it."""

from typing import Any

from catalog.errors import InvalidParameters, Violation


def refuse_idle(name: str, value: Any, usual: Any, used_by: str) -> None:
    """Raises InvalidParameters where `value` is neither missing nor what it would be anyway; `used_by` completes
    "`name` is used by …".

    The usual value is let through, so that the parameters that a job records can be sent again as they are.
    """
    if value is not None and value != usual:
        message = f"{name} is used by {used_by} only. Leave it out."
        raise InvalidParameters(message, [Violation(f"/{name}", message)])
