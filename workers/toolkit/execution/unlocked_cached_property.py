"""A cached property whose instances do not wait for each other."""

from collections.abc import Callable
from typing import Any


class unlocked_cached_property:  # noqa: N801 — a decorator, as property is
    """A functools.cached_property without its lock.

    Before Python 3.12 all instances share that lock, so that threads whose jobs run together
    could never meet in a batch.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Compute the value, and store it in the instance under the property's name."""
        if instance is None:
            return self
        value = self._make(instance)
        instance.__dict__[self._make.__name__] = value
        return value
