"""What follows from the answer to a webhook: it has arrived, it is sent again, or it is over."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from jobs.deliveries import DeliveryState

_HOUR_S = 3600
# Seconds before the second attempt, the third, and so on: those of Standard Webhooks.
DELAYS_S: Sequence[float] = (
    5,
    300,
    1800,
    2 * _HOUR_S,
    5 * _HOUR_S,
    10 * _HOUR_S,
    14 * _HOUR_S,
    20 * _HOUR_S,
    24 * _HOUR_S,
)
# Each delay is longer by up to this share, so that what failed together does not come together.
_JITTER = 0.1
_LONGEST_S = 24 * _HOUR_S
_GONE = 410


@dataclass(frozen=True)
class Verdict:
    """The state of a delivery after an attempt, and the seconds until the next one."""

    state: DeliveryState
    delay_s: float = 0.0


def verdict(
    attempts: int,
    status_code: int | None,
    headers: Mapping[str, str],
    delays_s: Sequence[float] = DELAYS_S,
) -> Verdict:
    """Return what follows from an attempt, of which `attempts` were made; None is no answer.

    A redirect is a failure. `Retry-After` may only make the wait longer, up to a day.
    """
    if status_code is not None and 200 <= status_code < 300:
        return Verdict(DeliveryState.DELIVERED)
    if status_code == _GONE or attempts > len(delays_s):
        return Verdict(DeliveryState.FAILED)
    # The receivers need not be surprised by the time.
    delay_s = delays_s[attempts - 1] * random.uniform(1, 1 + _JITTER)  # noqa: S311
    asked_s = min(_retry_after(headers.get("retry-after", "")), _LONGEST_S)
    return Verdict(DeliveryState.WAITING, max(delay_s, asked_s))


def _retry_after(header: str) -> float:
    """Return the seconds of a Retry-After header: a number or a date. 0 for any other text."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())
