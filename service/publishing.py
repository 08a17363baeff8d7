"""Messages to the workers are hints: one that cannot be sent now is sent by the reconciler later."""

import logging
from collections.abc import Callable

from kombu.exceptions import OperationalError
from redis import RedisError

log = logging.getLogger(__name__)


def tolerant(send: Callable[..., None], *arguments: str) -> bool:
    """Send; False if the broker is away."""
    try:
        send(*arguments)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("not published: %s", type(error).__name__)
        return False
    return True
