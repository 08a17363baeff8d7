"""When a webhook is sent again, and when it is over."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from jobs.deliveries import DeliveryState
from service.webhooks.schedule import DELAYS_S, verdict

DELIVERED, FAILED, WAITING = (
    DeliveryState.DELIVERED,
    DeliveryState.FAILED,
    DeliveryState.WAITING,
)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_is_2xx(status: int) -> None:
    assert verdict(1, status, {}).state is DELIVERED


@pytest.mark.parametrize("status", [None, 199, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    outcome = verdict(1, status, {})
    assert outcome.state is WAITING and 5 <= outcome.delay_s <= 5.5


def test_ten_attempts_are_made_over_three_days() -> None:
    delays = [verdict(attempts, 503, {}) for attempts in range(1, 10)]
    assert all(outcome.state is WAITING for outcome in delays)
    for outcome, delay_s in zip(delays, DELAYS_S, strict=True):
        assert delay_s <= outcome.delay_s <= 1.1 * delay_s
    assert sum(DELAYS_S) == 5 + 75 * 3600 + 35 * 60
    assert verdict(10, 503, {}).state is FAILED


def test_gone_is_over_at_once() -> None:
    assert verdict(1, 410, {"retry-after": "5"}).state is FAILED


@pytest.mark.parametrize(
    ("header", "least_s", "most_s"),
    [
        ("120", 120, 120),
        ("1", 5, 5.5),
        ("0", 5, 5.5),
        ("-7", 5, 5.5),
        ("soon", 5, 5.5),
        ("", 5, 5.5),
        ("٣٠٠", 5, 5.5),
        (format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True), 5, 5.5),
        ("9" * 5000, 86400, 86400),
    ],
)
def test_retry_after_makes_the_wait_longer_up_to_a_day(
    header: str, least_s: float, most_s: float
) -> None:
    outcome = verdict(1, 503, {"retry-after": header})
    assert outcome.state is WAITING and least_s <= outcome.delay_s <= most_s


def test_retry_after_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    outcome = verdict(1, 503, {"retry-after": date})
    assert outcome.state is WAITING and 500 <= outcome.delay_s <= 600
