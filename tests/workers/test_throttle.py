"""What costs time happens now and then."""

import time

import pytest

from tests.wait import wait_until
from workers.throttle import Throttle


def test_it_is_due_at_once_or_after_the_first_pause() -> None:
    assert Throttle(3600, at_once=True).due
    assert not Throttle(3600, at_once=False).due


def test_after_it_happened_the_pause_begins_anew() -> None:
    pace = Throttle(3600, at_once=True)
    with pace.measured():
        pass
    assert not pace.due


def test_it_takes_at_most_a_tenth_of_the_time() -> None:
    pace = Throttle(0, at_once=True)
    with pace.measured():
        began = time.monotonic()
        time.sleep(0.03)
        took = time.monotonic() - began
    ended = time.monotonic()
    wait_until(lambda: pace.due)
    assert time.monotonic() - ended >= 9.9 * took


def test_a_failure_counts_too() -> None:
    pace = Throttle(3600, at_once=True)
    with pytest.raises(ValueError, match="no"), pace.measured():
        raise ValueError("no")
    assert not pace.due
